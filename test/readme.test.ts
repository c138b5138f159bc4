// The programs that README.md shows, run as they stand there; only the names they import and the port are replaced.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { expectClose, expectEchoes } from './support/echo.js';

const ROOT = new URL('../', import.meta.url);
const README = readFileSync(new URL('README.md', ROOT), 'utf8');
const WSLAY_HEADER = '/usr/include/wslay/wslay.h';
const ENTRIES: Readonly<Record<string, string>> = { wsimd: 'dist/index.js', 'wsimd/codec': 'dist/sans-io.js' };

/** The programs by the names in their first lines. */
const programs = new Map(
  Array.from(README.matchAll(/^```js\n\/\/ (\S+\.js)\n([^]*?)^```$/gm), ([, name, code]) => [name, code]),
);

let directory: string;
const children = new Set<ChildProcess>();
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wsimd-readme-'));
});
afterAll(() => {
  for (const child of children) child.kill();
  rmSync(directory, { recursive: true });
});

/** A program that runs. */
interface Running {
  /** What it has printed so far. */
  readonly said: string;
  /** Waits until what it printed matches. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit status, once it has ended. */
  ended: Promise<number | null>;
}

/** Runs a program of the README on this port; without a build, says so and returns undefined. */
function run(name: string, port: number): Running | undefined {
  if (!existsSync(new URL('dist/index.js', ROOT))) {
    console.log('not run: dist/ is not built');
    return undefined;
  }
  const code = programs
    .get(name)!
    .replaceAll(/from '(wsimd[^']*)'/g, (_, entry: string) => `from '${new URL(ENTRIES[entry], ROOT).href}'`)
    .replaceAll('9001', String(port));
  const file = join(directory, `${name.replace(/\.js$/, '')}-${port}.mjs`);
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close').then(([status]) => status as number | null);
  return {
    get said() {
      return said;
    },
    async says(pattern) {
      for (;;) {
        const match = pattern.exec(said);
        if (match !== null) return match;
        if (child.exitCode !== null) throw new Error(`${name} has ended, having said: ${said}`);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
    },
    ended,
  };
}

test('every program is there, and those of the codec have at most 60 lines and import nothing else of ours', () => {
  expect([...programs.keys()]).toEqual(['server.js', 'client.js', 'codec-server.js', 'codec-client.js']);
  for (const name of ['codec-server.js', 'codec-client.js']) {
    const code = programs.get(name)!;
    expect(code.split('\n').length, name).toBeLessThanOrEqual(60);
    expect(Array.from(code.matchAll(/from '([^']+)'/g), ([, entry]) => entry)).toEqual(['node:net', 'wsimd/codec']);
  }
});

describe.each(['server.js', 'codec-server.js'])('%s', (name) => {
  test('echoes everything, answers pings between fragments, and closes', { timeout: 60_000 }, async () => {
    const running = run(name, 0);
    if (running === undefined) return;
    const [, port] = await running.says(/listening on (?:.* port: )?(\d+)/);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    await once(socket, 'open');
    await expectEchoes(socket);
    await expectClose(socket);
  });

  test('refuses what is no handshake, and goes on', async () => {
    const running = run(name, 0);
    if (running === undefined) return;
    const [, port] = await running.says(/listening on (?:.* port: )?(\d+)/);
    const [response] = await once(get(`http://127.0.0.1:${port}/`), 'response');
    response.resume();
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    await expectClose(socket);
  });
});

test('client.js says what came back, and ends', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await once(server, 'listening');
  const running = run('client.js', (server.address() as AddressInfo).port);
  if (running !== undefined) {
    expect(await running.ended).toBe(0);
    expect(running.said).toBe('Hello\nclosed with 1005\n');
  }
  server.close();
});

test(
  'codec-client.js echoes everything, answers pings between fragments, and closes',
  { timeout: 60_000 },
  async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const running = run('codec-client.js', (server.address() as AddressInfo).port);
    if (running !== undefined) {
      const [socket] = (await once(server, 'connection')) as [WebSocket];
      await expectEchoes(socket);
      await expectClose(socket);
      expect(await running.ended).toBe(0);
      expect(running.said).toBe('closed with 1000\n');
    }
    server.close();
  },
);

describe('the table for users of wslay', () => {
  const rows = Array.from(README.matchAll(/^\|(.*`(?:wslay_|WSLAY_|on_|genmask).*)\|$/gm), ([, row]) =>
    row.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  );

  test('names tests that exist', () => {
    const source = readFileSync(new URL('test/connection/wslay-level.test.ts', ROOT), 'utf8');
    expect(rows.length).toBeGreaterThan(30);
    for (const [wslay, , name] of rows) if (name !== '') expect(source, wslay).toContain(`test('${name}'`);
  });

  test('has a row for every function of wslay', () => {
    if (!existsSync(WSLAY_HEADER)) {
      console.log('not run: there is no wslay here (Debian package libwslay-dev)');
      return;
    }
    const header = readFileSync(WSLAY_HEADER, 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
    const functions = Array.from(header.matchAll(/\b(wslay_\w+)\s*\((?:wslay|struct)/g), ([, name]) => name);
    expect(functions.length).toBeGreaterThan(25);
    const mapped = rows.map(([wslay]) => wslay).join(' ');
    expect(functions.filter((name) => !mapped.includes(`\`${name}\``))).toEqual([]);
  });
});
