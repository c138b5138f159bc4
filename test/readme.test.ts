// The programs of README.md and docs/, run as they stand there; only the names they import and the port are replaced.
import { spawn, type ChildProcess } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { DOCUMENTS, programs, readDocument } from './support/documents.js';
import { expectClose, expectEchoes } from './support/echo.js';
import { runsLong } from './support/long.js';

const ROOT = new URL('../', import.meta.url);
const LINES_AT_MOST = 180;
const WSLAY_HEADER = '/usr/include/wslay/wslay.h';
const ENTRIES: Readonly<Record<string, string>> = {
  wsimd: 'dist/index.js',
  'wsimd/codec': 'dist/sans-io.js',
  'wsimd/topics': 'dist/topics/index.js',
  'wsimd/codec/deflate': 'dist/deflate.js',
};

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

/** Runs a program of a document on this port; without a build, says so and returns undefined. */
function run(name: string, port: number, args: readonly string[] = []): Running | undefined {
  if (!existsSync(new URL('dist/index.js', ROOT))) {
    console.log('not run: dist/ is not built');
    return undefined;
  }
  const code = programs
    .get(name)!
    .code.replaceAll(/from '(wsimd[^']*)'/g, (_, entry: string) => `from '${new URL(ENTRIES[entry], ROOT).href}'`)
    .replaceAll('9001', String(port));
  const file = join(directory, `${port}-${name}`);
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
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
  expect([...programs.keys()]).toEqual(
    expect.arrayContaining(['server.mjs', 'client.mjs', 'codec-server.mjs', 'codec-client.mjs']),
  );
  for (const name of ['codec-server.mjs', 'codec-client.mjs']) {
    const { code } = programs.get(name)!;
    expect(code.split('\n').length, name).toBeLessThanOrEqual(60);
    expect(Array.from(code.matchAll(/from '([^']+)'/g), ([, entry]) => entry)).toEqual(['node:net', 'wsimd/codec']);
  }
});

describe.each(['server.mjs', 'codec-server.mjs'])('%s', (name) => {
  test(
    'echoes everything, answers pings between fragments, and ends with its client',
    { timeout: 60_000 },
    async () => {
      const running = run(name, 0);
      if (running === undefined) return;
      const [, port] = await running.says(/listening on (?:.* port: )?(\d+)/);
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
      await once(socket, 'open');
      await expectEchoes(socket);
      await expectClose(socket);
      expect(await running.ended).toBe(0);
    },
  );

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

test('client.mjs says what came back, and ends', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
  await once(server, 'listening');
  const running = run('client.mjs', (server.address() as AddressInfo).port);
  if (running !== undefined) {
    expect(await running.ended).toBe(0);
    expect(running.said).toBe('received Hello\nclosed with 1000\n');
  }
  server.close();
});

test(
  'codec-client.mjs echoes everything, answers pings between fragments, and closes',
  { timeout: 60_000 },
  async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const running = run('codec-client.mjs', (server.address() as AddressInfo).port);
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

test('topics.mjs relays, brings back what was missed, and stands any path', async () => {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  if (run('topics.mjs', port) === undefined) return;
  const sockets: WebSocket[] = [];
  const connect = async (path: string): Promise<AsyncIterator<[Buffer]>> => {
    for (;;) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      sockets.push(socket);
      const messages = on(socket, 'message') as AsyncIterator<[Buffer]>;
      if (await once(socket, 'open').catch(() => undefined)) return messages;
      await delay(20);
    }
  };
  const next = async (messages: AsyncIterator<[Buffer]>): Promise<{ data: string; position: string }> =>
    JSON.parse(String(((await messages.next()).value as [Buffer])[0]));
  const [one, two] = [await connect('//'), await connect('/')];
  sockets.at(-1)!.send('a');
  const { position, data } = await next(one);
  expect(data).toBe('a');
  sockets.at(-1)!.send('b');
  for (const text of ['a', 'b']) expect((await next(two)).data).toBe(text);
  expect((await next(await connect(`/?after=${position}`))).data).toBe('b');
  for (const socket of sockets) socket.terminate();
});

describe('the list for users of wslay', () => {
  const rows = Array.from(
    readDocument('docs/wslay.md').matchAll(/^- (`[^]*?):\s+([^]*?)(?:\s+Test:\s+([^]*?))?(?=\n- |\n\n|\n$)/gm),
    ([, wslay, ours, name]) => [wslay, ours, name?.replaceAll(/\s+/g, ' ')],
  );

  test('names tests that exist', () => {
    const source = readFileSync(new URL('test/connection/wslay-level.test.ts', ROOT), 'utf8');
    expect(rows.length).toBeGreaterThan(30);
    for (const [wslay, ours, name] of rows) {
      if (name !== undefined) expect(source, wslay).toContain(`test('${name}'`);
      else expect(ours, wslay).toMatch(/nothing to call|^`CloseCode\./);
    }
  });

  test('has an entry for every function, callback, error and status code of wslay', () => {
    if (!existsSync(WSLAY_HEADER)) {
      console.log('not run: there is no wslay here (Debian package libwslay-dev)');
      return;
    }
    const header = readFileSync(WSLAY_HEADER, 'utf8').replaceAll(/\/\*[^]*?\*\//g, '');
    const names = (pattern: RegExp): string[] => Array.from(header.matchAll(pattern), ([, name]) => name);
    const functions = names(/\b(wslay_\w+)\s*\((?:wslay|struct)/g);
    const callbacks = names(/\(\*(wslay_\w+_callback)\)/g);
    const errors = names(/\b(WSLAY_ERR_\w+) =/g);
    const codes = names(/\b(WSLAY_CODE_\w+) =/g);
    expect([functions.length > 25, callbacks.length, errors.length, codes.length]).toEqual([true, 11, 9, 12]);
    const mapped = rows.map(([wslay]) => wslay).join(' ');
    const all = [...functions, ...callbacks, ...errors, ...codes];
    expect(all.filter((name) => !mapped.includes(`\`${name}\``))).toEqual([]);
  });
});

/** Programs that take long, and arguments with which they do less; without them they run in `npm run test:long`. */
const SHORTER: Readonly<Record<string, readonly string[]>> = { 'codec-upload.mjs': ['64'] };

describe('a program whose output is shown', () => {
  const shown = [...programs].filter(([, { output }]) => output !== undefined);
  test('exists for each page on use', () => expect(shown.length).toBeGreaterThan(4));
  test.each(shown)('%s prints that and ends', async (name, { output }) => {
    const running = run(name, 0, runsLong ? [] : SHORTER[name]);
    if (running === undefined) return;
    expect(await running.ended).toBe(0);
    expect(running.said).toBe(output);
  });
});

describe('the documents', () => {
  test(`README.md has at most ${LINES_AT_MOST} lines, and it and the pages on use have at most 100 columns`, () => {
    expect(readDocument('README.md').split('\n').length - 1).toBeLessThanOrEqual(LINES_AT_MOST);
    const wide = DOCUMENTS.filter((path) => path !== 'docs/conformance.md').flatMap((path) =>
      readDocument(path)
        .split('\n')
        .filter((line) => line.length > 100 && !line.startsWith('|') && !/https?:|\]\(/.test(line))
        .map((line) => `${path}: ${line}`),
    );
    expect(wide).toEqual([]);
  });

  test('link only to files and headings that exist', () => {
    const broken: string[] = [];
    for (const path of DOCUMENTS) {
      for (const [, link] of readDocument(path).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
        const [file, heading] = link.split('#');
        const target = file === '' ? new URL(path, ROOT) : new URL(file, new URL(path, ROOT));
        if (!existsSync(target)) broken.push(`${path}: ${link}`);
        else if (heading !== undefined) {
          const slugs = Array.from(readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm), ([, title]) =>
            title
              .toLowerCase()
              .replaceAll(/[^\w\- ]/g, '')
              .replaceAll(' ', '-'),
          );
          if (!slugs.includes(heading)) broken.push(`${path}: ${link}`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  test("the README's speeds are those of docs/speed.md", () => {
    const rowsOf = (path: string): string[][] =>
      Array.from(readDocument(path).matchAll(/^\| ((?:\d|broadcast).*?)\s*\|$/gm), ([, row]) => row.split(/\s*\|\s*/));
    const known = rowsOf('docs/speed.md').map((row) => row.slice(0, 4));
    const rows = rowsOf('README.md');
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(known).toContainEqual(row);
  });
});
