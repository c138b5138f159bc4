// Chromium's own developer tools import our HARs, and we read those that they write.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { toHar } from '../../src/cli/traffic/har.js';
import { recordedMessages, type RecordedConnection, type RecordedFrame } from '../../src/cli/traffic/recorded.js';
import { readRecording } from '../../src/cli/traffic/recording.js';
import { launchChromium } from '../support/chromium.js';

/** Runs in the page of the developer tools: their importer reads a HAR, and their exporter writes it again. */
const ROUND = String.raw`async (text) => {
  const har = await import('devtools://devtools/bundled/models/har/har.js');
  const requests = har.Importer.Importer.requestsFromHARLog(new har.HARFormat.HARRoot(JSON.parse(text)).log);
  return JSON.stringify({ log: await har.Log.Log.build(requests, { sanitize: false }) });
}`;

function frame(from: 'client' | 'server', time: number, opcode: number, payload: Buffer): RecordedFrame {
  const isMasked = from === 'client';
  const { length } = payload;
  return { from, time, opcode, fin: true, rsv: 0, isMasked, headerLength: undefined, length, payload };
}

test('a HAR of ours passes through the importer and the exporter of Chromium', { timeout: 60_000 }, async () => {
  const browser = await launchChromium();
  if (browser === undefined) return;
  onTestFinished(() => browser.close());
  const connection: RecordedConnection = {
    number: 1,
    url: 'ws://127.0.0.1:9001/chat?room=1',
    started: Date.UTC(2026, 10, 28, 17, 20, 34, 123),
    heads: {
      request: 'GET /chat?room=1 HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nSec-WebSocket-Protocol: one\r\n\r\n',
      response: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
    },
    frames: [
      frame('client', 1.25, 1, Buffer.from('Grüße')),
      frame('client', 2, 9, Buffer.from('ping')),
      frame('server', 3.5, 2, Buffer.from([0, 255])),
    ],
    end: 10,
  };
  const page = await browser.newPage();
  await page.goto('devtools://devtools/bundled/devtools_app.html');
  const written = (await page.evaluate(`(${ROUND})(${JSON.stringify(toHar([connection], '1'))})`)) as string;
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-har-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'chrome.har');
  writeFileSync(file, written);
  expect(readFileSync(file, 'utf8')).toContain('"name":"WebInspector"');
  const [back] = readRecording(file);
  expect(back).toMatchObject({ url: connection.url, started: connection.started });
  expect(back.heads.request).toContain('GET /chat?room=1 HTTP/1.1\r\n');
  expect(back.heads.request).toContain('Sec-WebSocket-Protocol: one\r\n');
  const told = recordedMessages(back).map(({ from, time, isBinary, data }) => [
    from,
    time.toFixed(2),
    isBinary,
    Buffer.from(data).toString('hex'),
  ]);
  expect(told).toEqual([
    ['client', '1.25', false, Buffer.from('Grüße').toString('hex')],
    ['server', '3.50', true, '00ff'],
  ]);
});
