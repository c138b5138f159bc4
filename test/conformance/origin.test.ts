// Who may drive the examiner in the client role, and its page: a web page of another site may not, under whatever name it comes.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { runClientCases, type ClientExamination } from '../../src/conformance/index.js';
import { judgeOrigin } from '../../src/conformance/origin.js';
import { launchChromium } from '../support/chromium.js';
import { ask, echoClient } from './support/peers.js';

const UPGRADE = { upgrade: ['websocket'], connection: ['Upgrade'] };

describe('a request', () => {
  const welcome = { host: '127.0.0.1', secure: false, allowedOrigins: ['http://friend.example', 'null'] };
  const judge = (values: Record<string, string[]>): string | null =>
    judgeOrigin({ startLine: '', status: 0, values: (name) => values[name] ?? [] }, welcome);

  test.each<[string, Record<string, string[]>]>([
    ['of a program, by whatever name', { ...UPGRADE, host: ['examiner:9001'] }],
    ['for the page', { host: ['127.0.0.1:9001'] }],
    ['for the page by localhost', { host: ['localhost:9001'] }],
    ['for the page by an IPv6 address', { host: ['[::1]:9001'] }],
    ['of the own page', { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['http://127.0.0.1:9001'] }],
    ['of a page that is allowed', { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['http://friend.example'] }],
    ['of a file that is allowed', { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['null'] }],
  ])('%s is answered', (_, values) => {
    expect(judge(values)).toBeNull();
  });

  test.each<[string, Record<string, string[]>, RegExp]>([
    [
      'of another site',
      { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['http://evil.example'] },
      /http:\/\/evil\.example may not/,
    ],
    ['of another port', { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['http://127.0.0.1:80'] }, /may not/],
    ['of another scheme', { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['https://127.0.0.1:9001'] }, /may not/],
    ['of a rebound name', { ...UPGRADE, host: ['evil.example:9001'], origin: ['http://evil.example:9001'] }, /may not/],
    ['for the page by a rebound name', { host: ['evil.example:9001'] }, /"evil\.example:9001" is none/],
    [
      'with two origins',
      { ...UPGRADE, host: ['127.0.0.1:9001'], origin: ['http://127.0.0.1:9001', 'null'] },
      /more than one/,
    ],
  ])('%s is refused', (_, values, sentence) => {
    expect(judge(values)).toMatch(sentence);
  });
});

describe('a run', () => {
  let run: ClientExamination;
  const begun: string[] = [];

  beforeAll(async () => {
    run = await runClientCases({
      port: 0,
      cases: ['1.1.1', '2.7'],
      protocols: ['chat'],
      onCase: (id, begins, agent) => begins && begun.push(`${id} ${agent}`),
    });
  });
  afterAll(() => run.stop());

  /** The status and body of a plain GET, as an image or a link of any page sends it. */
  const get = (path: string, headers: Record<string, string> = {}): Promise<{ status?: number; body: string }> =>
    new Promise((resolve, reject) => {
      const asked = request({ port: run.port, host: '127.0.0.1', path, headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      asked.on('error', reject);
      asked.end();
    });

  test('is not ended or added to by a web page of another site', async () => {
    expect((await get('/stopServer')).status).toBe(400);
    expect((await get('/runCase?case=1&agent=image')).status).toBe(400);
    const options = { headers: { origin: 'http://evil.example' } };
    for (const path of ['/stopServer', '/runCase?case=1&agent=evil', '/updateReports?agent=evil']) {
      const socket = new WebSocket(run.url + path, options);
      const [error] = (await new Promise((resolve) => socket.once('error', (...args) => resolve(args)))) as [Error];
      expect(error.message).toBe('Unexpected server response: 403');
    }
    expect([...run.results.keys()]).toEqual([]);
    expect(await ask(`${run.url}/getCaseCount`)).toBe('2');
  });

  test('has a page and its progress, by its own names only', async () => {
    expect(await get('/')).toMatchObject({
      status: 200,
      body: expect.stringContaining('/runCase?case=N&amp;agent=NAME'),
    });
    expect((await get('/', { host: 'evil.example' })).status).toBe(403);
    expect((await get('/', { 'sec-fetch-site': 'cross-site' })).status).toBe(200);
    for (const site of ['same-site', 'same-origin', 'none'])
      expect((await get('/?run', { 'sec-fetch-site': site })).status).toBe(200);
    expect(await get('/?run&agent=evil', { 'sec-fetch-site': 'cross-site' })).toMatchObject({
      status: 403,
      body: expect.stringContaining('Pages of other sites may not begin a run; open /?run yourself.'),
    });
    await echoClient(`${run.url}/runCase?case=1&agent=a`, { headers: { origin: run.url.replace('ws', 'http') } });
    const agents = [{ agent: 'a', done: 1, total: 2, standings: '1 Pass' }];
    expect(JSON.parse((await get('/progress')).body)).toEqual({ agents, running: [] });
    expect((await get('/progress', { origin: 'http://evil.example' })).status).toBe(403);
    expect(begun).toContain('1.1.1 a');
  });

  test('agrees to a subprotocol that it was told of', async () => {
    const socket = new WebSocket(`${run.url}/runCase?case=2&agent=b`, ['mail', 'chat']);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(socket.protocol).toBe('chat');
    expect(run.results.get('b')!.get('2.7')!.behavior).toBe('OK');
  });

  test('examines a browser that opens the page', async () => {
    const browser = await launchChromium();
    if (browser === undefined) return;
    const page = await browser.newPage();
    await page.goto(`${run.url.replace('ws', 'http')}/?agent=browser&run`);
    await page.waitForFunction(() => document.querySelector('output')!.textContent.startsWith('Done'));
    await browser.close();
    expect([...run.results.get('browser')!.values()].map(({ behavior }) => behavior)).toEqual(['OK', 'OK']);
  });
});
