// A headless Chromium to look at pages with, where the system has one.
import { existsSync } from 'node:fs';
import puppeteer, { type Browser } from 'puppeteer-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts Chromium, with `more` switches; where there is none, says so and returns undefined. */
export async function launchChromium(more: readonly string[] = []): Promise<Browser | undefined> {
  const executablePath = PATHS.find((path) => existsSync(path));
  if (executablePath === undefined) {
    console.log('not run: there is no Chromium here (Debian package chromium)');
    return undefined;
  }
  return puppeteer.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
}
