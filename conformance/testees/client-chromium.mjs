// Runs every case in Chromium, by the page of the examiner: node client-chromium.mjs
import puppeteer from 'puppeteer-core';
const browser = await puppeteer.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
  protocolTimeout: 0,
});
const page = await browser.newPage();
const agent = encodeURIComponent(process.env.WSIMD_AGENT ?? 'Chromium');
await page.goto(`${process.env.WSIMD_URL.replace('ws', 'http')}/?run&agent=${agent}`);
await page.waitForFunction(() => document.querySelector('output').textContent.startsWith('Done'), { timeout: 0 });
await browser.close();
process.exit(0);
