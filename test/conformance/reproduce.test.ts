// The program that plays a case without the suite: short for every case, and what it shows is what the suite judged.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { selectCases } from '../../src/conformance/index.js';
import { explain } from '../../src/conformance/explain.js';
import { reproduce } from '../../src/conformance/reproduce.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { oddServer } from './support/odd-peer.js';

const directory = mkdtempSync(join(tmpdir(), 'wsimd-reproduce-'));

afterAll(() => rmSync(directory, { recursive: true }));

const target = { path: '/chat', host: '127.0.0.1:9001', protocols: [], lines: [] };

/** Runs a program; `hear` is told what it says as it says it. */
function run(
  id: string,
  testee: 'server' | 'client',
  args: string[],
  hear: (said: string) => void = () => undefined,
  server: Parameters<typeof reproduce>[2] = target,
): Promise<string> {
  const [one] = selectCases({ cases: [id] }, testee);
  const file = join(directory, `${testee}-${id}.mjs`);
  writeFileSync(file, reproduce(one, testee, server));
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += text.toString();
    hear(said);
    if (said.includes('TCP has ended')) child.kill();
  });
  return new Promise((resolve) => child.once('close', () => resolve(said)));
}

test.each(['server', 'client'] as const)('is at most 40 lines for every case of a %s, and explained', (testee) => {
  // The large ones differ from these in a number only.
  for (const one of selectCases({ exclude: ['9.*', '12.*', '13.*', 'D.4.*'] }, testee)) {
    expect(reproduce(one, testee, target).trimEnd().split('\n').length, one.id).toBeLessThanOrEqual(40);
    expect(explain(one), one.id).toMatch(/^\S+: [^]+\n\n(Judged as the classic|Judged by RFC)/);
  }
});

test.each([
  ['1.1.2', {}, /opcode 1 FIN 1 RSV 0 bytes 125 .*\nopcode 8 FIN 1 .*03 e8/],
  ['2.5', {}, /bytes 126 /],
  ['3.1', {}, /opcode 8 FIN 1 RSV 0 bytes 2 .*03 ea/],
  ['6.3.1', { noUtf8Check: true }, /opcode 1 FIN 1 RSV 0 bytes 20 /],
  ['H.2.12', {}, /^HTTP\/1\.1 101 /],
  ['12.1.1', { mirrors: true }, /(opcode 1 FIN 1 RSV 4 .*\n){3}opcode 8/],
  ['9.7.2', {}, /(opcode 1 FIN 1 RSV 0 bytes 16 .*\n){3}/],
] as const)('shows of %s what a server does', { timeout: 30_000 }, async (id, odd, shown) => {
  const server = await oddServer(odd);
  const said = await run(id, 'server', ['127.0.0.1', new URL(server.url).port]);
  server.stop();
  expect(said).toMatch(shown);
});

test('speaks TLS where the server does, whatever its certificate', async () => {
  const server = createServer({ cert: CERTIFICATE, key: KEY });
  new WebSocketServer({ server }).on('connection', (websocket) => {
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const said = await run('1.1.2', 'server', [], undefined, { ...target, host, secure: true });
  server.close();
  expect(said).toMatch(/opcode 1 FIN 1 RSV 0 bytes 125 .*\nopcode 8 FIN 1 .*03 e8/);
});

test('shows what a client does', async () => {
  const said = await run('2.2', 'client', ['0'], (text) => {
    const port = /Listening on port (\d+)\n$/.exec(text)?.[1];
    if (port !== undefined) new WebSocket(`ws://127.0.0.1:${port}`).on('error', () => undefined);
  });
  expect(said).toMatch(/opcode 10 FIN 1 RSV 0 bytes 13 .*48 65 6c 6c 6f/);
});

test('an explanation says what is sent, what is accepted, and by which sentence', () => {
  const [one] = selectCases({ cases: ['S.3.1'] }, 'server');
  expect(explain(one)).toMatch(
    /\nSent:\n {2}- a text frame of 13 bytes "Hello, world!", masked where it must not be, or not masked\n/,
  );
  expect(explain(one)).toContain('- OK: nothing; the testee closes with any code or without one, or drops TCP');
  expect(explain(one)).toContain('Judged by RFC 6455 5.1 (MUST): a server MUST close');
});
