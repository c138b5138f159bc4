// The page of `examples/chat` in Chromium: it says which process serves it, and survives the kill and the restart of either.
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.js';
import { startExample } from '../support/example.js';

const served = (page: Page): Promise<string> => page.$eval('#served', ({ textContent }) => textContent);
const messages = (page: Page): Promise<string[]> =>
  page.$$eval('#said .message', (lines) => lines.map(({ lastChild }) => lastChild!.textContent!));

/** Waits until a process other than `than` serves the page, in the page itself: it may still be on its way to its address. */
async function servedByOther(page: Page, than: string): Promise<string> {
  const other = await page.waitForFunction(
    `(() => {
      const by = document.getElementById('served')?.textContent ?? '';
      return by.startsWith('Served by') && by !== ${JSON.stringify(than)} && by;
    })()`,
    { polling: 20, timeout: 0 },
  );
  return (await other.jsonValue()) as string;
}

// By the page itself: of two pages one is in the background, where the browser lets no keys and clicks come.
async function say(page: Page, text: string): Promise<void> {
  await page.evaluate(`document.getElementById('text').value = ${JSON.stringify(text)}`);
  await page.evaluate(`document.getElementById('say').requestSubmit()`);
}

async function shows(page: Page, count: number): Promise<void> {
  while ((await messages(page)).length < count) await delay(20);
}

test('the page goes on when the process that serves it is killed, or restarts', async () => {
  const browser = await launchChromium();
  const example = startExample('chat', '--port', '0');
  if (browser === undefined || example === undefined) return;
  try {
    const [, first, second] = await example.says(/(http:\S+)\/\n.*(http:\S+)\/\n/);
    const pages = [await browser.newPage(), await browser.newPage()];
    for (const [index, url] of [first, second].entries()) {
      while (!(await pages[index].goto(url).catch(() => null))?.ok()) await delay(50);
      await servedByOther(pages[index], '');
    }
    const [ada, grace] = pages;
    const said = ['hello', 'hello, Ada', 'still here?', 'yes', 'and now?', 'yes, again'];
    await say(ada, said[0]);
    await shows(grace, 1);
    await say(grace, said[1]);
    await shows(ada, 2);
    let before = await served(ada);
    for (const [action, question, answer] of [
      ['#kill', 2, 3],
      ['#restart', 4, 5],
    ] as const) {
      await ada.evaluate(`document.querySelector('${action}').click()`);
      await say(ada, said[question]);
      before = await servedByOther(ada, before);
      await shows(grace, question + 1);
      await say(grace, said[answer]);
      await shows(ada, answer + 1);
      const name = action === '#kill' ? 'SIGKILL' : '0';
      await example.says(new RegExp(`has ended \\(${name}\\), and starts again`));
      // The other process is back, so that it can take over the next time.
      for (const url of [first, second]) while (!(await fetch(url).catch(() => null))?.ok) await delay(50);
    }
    expect(await messages(ada)).toEqual(said);
    expect(await messages(grace)).toEqual(said);
    expect(await ada.$$eval('#said .waiting', ({ length }) => length)).toBe(0);
  } finally {
    await browser.close();
    await example.end();
  }
}, 120_000);
