// The pages as a browser shows them. Chromium is Debian's; where it is missing these tests say so and return.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CASE_PAGE_STYLE, casePage } from '../../../src/conformance/report/case-page.js';
import { fileNames } from '../../../src/conformance/report/file-names.js';
import { writeReport, writeWhole } from '../../../src/conformance/report/write.js';
import { agentReport, caseResult, excerpt, runReport, TRAFFIC } from '../../support/case-results.js';
import * as wslay from '../../vectors/wslay-case-2.7.js';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const PHONE = { width: 360, height: 740 };
const TABLET = { width: 800, height: 1100 };
const DESKTOP = { width: 1280, height: 900 };

const EVIL = '<script>document.title = "owned"</script><img src=x onerror="document.title = \'owned\'">';

let directory = '';
let browser: Browser | undefined;

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) return;
  directory = await mkdtemp(join(tmpdir(), 'wsimd-pages-'));
  const long = 'x'.repeat(2000);
  await writeReport(
    runReport(
      agentReport('wslay', [
        wslay.RESULT,
        caseResult('6.4.1', { behavior: 'NON-STRICT' }),
        caseResult('12.1.1', { behavior: 'UNIMPLEMENTED', reportTime: true }),
      ]),
      agentReport(EVIL, [
        caseResult('2.7', {
          behavior: 'FAILED',
          description: EVIL + long,
          httpResponse: `${EVIL}\r\nServer: ${long}`,
          wasNotCleanReason: EVIL + long,
          received: [{ kind: 'message', payload: excerpt(EVIL + long), binary: false }],
          wirelog: [
            { kind: 'octetsReceived', bytes: excerpt(long) },
            { kind: 'frameReceived', payload: excerpt(EVIL + long), opcode: 1, fin: true, rsv: 0, mask: null },
          ],
        }),
        caseResult('6.4.1'),
        caseResult('13.1.1', {
          reportTime: true,
          duration: 123_456,
          reportCompressionRatio: true,
          trafficStats: TRAFFIC,
        }),
      ]),
    ),
    directory,
  );
  browser = await launch({ executablePath: CHROMIUM, args: ARGUMENTS.split(' ') });
});

afterAll(async () => {
  await browser?.close();
  if (directory !== '') await rm(directory, { recursive: true });
});

/** Opens a page of the report; whatever the browser complains of makes the test fail. */
async function withPage(name: string, viewport: typeof PHONE, look: (page: Page) => Promise<void>): Promise<void> {
  if (browser === undefined) {
    console.log(`not run: there is no ${CHROMIUM}`);
    return;
  }
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(request.url()));
  try {
    await page.setViewport(viewport);
    await page.goto(pathToFileURL(join(directory, name)).href);
    await look(page);
    expect(complaints).toEqual([]);
  } finally {
    await page.close();
  }
}

/** How far the page reaches beyond the window, in CSS pixels. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

const EVIL_PAGE = fileNames([EVIL]).case(EVIL, '2.7', 'html');

test('the page of case 2.7 reads as the classic one does', async () => {
  await withPage('wslay_case_2_7.html', DESKTOP, async (page) => {
    expect((await page.$eval('body', (body) => body.innerText)).split('\n')[0]).toBe(wslay.SUMMARY);
    expect(await page.$$eval('h2, h3', (headings) => headings.map((heading) => heading.innerText))).toEqual(
      wslay.HEADINGS,
    );
    expect(
      await page.$$eval('.closing tbody tr', (rows) =>
        rows.map((row) => [row.cells[0].innerText, row.cells[1].innerText]),
      ),
    ).toEqual(wslay.CLOSING_TABLE);
  });
});

test.each(['index.html', 'wslay_case_2_7.html', EVIL_PAGE])('%s fits a phone, a tablet and a desktop', async (name) => {
  for (const viewport of [PHONE, TABLET, DESKTOP]) {
    await withPage(name, viewport, async (page) => {
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    });
  }
});

test.each(['index.html', EVIL_PAGE])('in %s nothing that a testee says runs or becomes an element', async (name) => {
  await withPage(name, DESKTOP, async (page) => {
    expect(await page.title()).not.toBe('owned');
    expect(await page.$$('img')).toHaveLength(0);
    expect(await page.$eval('body', (body) => body.innerText)).toContain('<script>document.title');
  });
});

test('a page takes its style sheet from the file that it names', async () => {
  const links = { previous: undefined, next: undefined, others: [] };
  if (directory !== '') {
    await writeWhole(join(directory, 'sheet.css'), CASE_PAGE_STYLE);
    await writeWhole(join(directory, 'pages', 'case.html'), casePage(wslay.RESULT, links, { href: '../sheet.css' }));
  }
  const shades: string[] = [];
  for (const name of ['wslay_case_2_7.html', join('pages', 'case.html')]) {
    await withPage(name, DESKTOP, async (page) => {
      shades.push(await page.$eval('.verdict', (verdict) => getComputedStyle(verdict).backgroundColor));
    });
  }
  expect(new Set(shades).size).toBe(browser === undefined ? 0 : 1);
  expect(shades).not.toContain('rgba(0, 0, 0, 0)');
});

/** Ids of the cases that the overview shows at the moment. */
function shownCases(page: Page): Promise<string[]> {
  return page.$$eval('tr[data-standings]', (rows) =>
    rows.filter((row) => row.checkVisibility()).map((row) => row.id.slice('case-'.length)),
  );
}

test('the overview filters by group, verdict and words', async () => {
  await withPage('index.html', DESKTOP, async (page) => {
    expect(await shownCases(page)).toEqual(['2.7', '6.4.1', '12.1.1', '13.1.1']);
    await page.select('select[name=group]', '6');
    expect(await shownCases(page)).toEqual(['6.4.1']);
    expect(await page.$eval('output', (output) => output.innerText)).toBe('1 case');
    await page.select('select[name=group]', '');

    await page.click('input[value=ok]');
    await page.click('input[value=nonStrict]');
    // The two failed or are unimplemented with one of the agents.
    expect(await shownCases(page)).toEqual(['2.7', '12.1.1']);
    await page.click('input[value=ok]');

    await page.type('input[name=text]', 'UTF-8 6.4');
    expect(await shownCases(page)).toEqual(['6.4.1']);
    await page.type('input[name=text]', ' nowhere');
    expect(await shownCases(page)).toEqual([]);
    expect(await page.$eval('.nothing', (paragraph) => paragraph.checkVisibility())).toBe(true);
  });
});

test('every verdict can be told without its colour', async () => {
  await withPage('index.html', DESKTOP, async (page) => {
    const words = await page.$$eval('.rows td', (cells) =>
      cells.map((cell) => (cell.querySelector('a, b') ?? cell).textContent),
    );
    expect(words).toEqual([
      '\u2713 Pass',
      '\u2715 Fail',
      '~ Non-Strict',
      '\u2713 Pass',
      '\u2013 Unimplemented',
      'excluded',
      'excluded',
      '\u2713 Pass',
    ]);
  });
});

test.each(['light', 'dark'])('text has a contrast of 4.5 to 1 in %s', async (scheme) => {
  for (const name of ['index.html', 'wslay_case_2_7.html']) {
    await withPage(name, DESKTOP, async (page) => {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      expect(await page.evaluate(poorContrasts)).toEqual([]);
    });
  }
});

/** Runs in the page: the texts that stand out too little from what is behind them (WCAG 2.1, 1.4.3). */
function poorContrasts(): string[] {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })!;
  const over = (colours: readonly string[]): number => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const poor: string[] = [];
  for (const element of document.querySelectorAll<HTMLElement>('body *')) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.nodeValue?.trim() !== '',
    );
    if (!own || !element.checkVisibility() || element.tagName === 'OPTION' || element.tagName === 'SCRIPT') continue;
    const behind: string[] = [];
    for (let at: HTMLElement | null = element; at !== null; at = at.parentElement)
      behind.unshift(getComputedStyle(at).backgroundColor);
    const back = over(behind);
    const front = over([...behind, getComputedStyle(element).color]);
    const ratio = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
    if (ratio < 4.5)
      poor.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}: ${element.textContent?.slice(0, 30)}`);
  }
  return poor;
}
