// `wsimd replay`: recordings of the proxy are played to servers and to clients, and become HARs and come back from them.
import { getEventListeners, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { replay } from '../../src/cli/replay/replay.js';
import { startProxying } from '../support/proxying.js';
import { connectRaw, responseHead } from '../support/raw-peer.js';
import { expectTenSeconds } from '../support/silent-server.js';
import { sayingTerminal } from '../support/terminal.js';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'wsimd-replay-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** The parts of a HAR's entry that are looked at. */
interface Entry {
  _resourceType: string;
  _webSocketMessages: { type: string; time: number; opcode: number; data: string }[];
  request: { method: string; queryString: object[] };
  response: { status: number };
}

interface Seen {
  path: string | undefined;
  headers: Record<string, unknown>;
  messages: (string | Buffer)[];
  pings: string[];
  code: number;
}

/** An echo server of `ws` that keeps what it saw; its address. */
async function seeingServer(options: object = {}): Promise<{ url: string; seen: Seen[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  const seen: Seen[] = [];
  server.on('connection', (socket, request) => {
    const own: Seen = { path: request.url, headers: request.headers, messages: [], pings: [], code: 0 };
    seen.push(own);
    socket.on('error', () => undefined);
    socket.on('ping', (data) => own.pings.push(String(data)));
    socket.on('close', (code) => (own.code = code));
    socket.on('message', (data: Buffer, binary) => {
      own.messages.push(binary ? data : String(data));
      socket.send(binary ? data : `echo ${String(data)}`, { binary });
    });
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** Records a conversation through the proxy: text, binary in fragments, a ping, a Close. */
async function record(file: string, perMessageDeflate: boolean | object = false): Promise<void> {
  const { url } = await seeingServer({ perMessageDeflate });
  const proxying = await startProxying(url, ['--quiet', '--record', file]);
  const client = new WebSocket(`${proxying.url}/chat?room=1`, 'one', {
    perMessageDeflate,
    headers: { 'X-Token': 't' },
  });
  await once(client, 'open');
  client.send('first');
  await once(client, 'message');
  await new Promise((resolve) => setTimeout(resolve, 60));
  client.send(Buffer.from([1, 2]), { fin: false });
  client.send(Buffer.from([3]));
  await once(client, 'message');
  client.ping('beat');
  await once(client, 'pong');
  client.close(4001, 'done');
  await once(client, 'close');
  await proxying.stop();
}

async function run(
  args: string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<{ status: number; err: string }> {
  const { terminal, text } = sayingTerminal();
  return { status: await replay(args, terminal, signal), err: text.err };
}

it('plays the client to a server, with its path, fields, frames, times and Close', async () => {
  const file = join(directory(), 'a.jsonl');
  await record(file);
  const { url, seen } = await seeingServer();
  const begun = performance.now();
  const { status, err } = await run([file, url, '--check']);
  expect(err).toMatch(
    /^Connection 1: 5 frames sent, 2 messages came, all as recorded\. Sent after the recorded times: p50/,
  );
  expect(status).toBe(0);
  expect(performance.now() - begun).toBeGreaterThan(55);
  await expect.poll(() => seen[0].code).toBe(4001);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ path: '/chat?room=1', messages: ['first', Buffer.from([1, 2, 3])], pings: ['beat'] });
  expect(seen[0].headers).toMatchObject({ 'x-token': 't', 'sec-websocket-protocol': 'one', host: url.slice(5) });
});

it('plays as fast as the answers come, and tells the first difference', async () => {
  const file = join(directory(), 'a.jsonl');
  await record(file);
  const other = readFileSync(file, 'utf8').replace('"echo first"', '"echo other"');
  writeFileSync(file, other);
  const { url, seen } = await seeingServer();
  const { status, err } = await run([file, `${url}/elsewhere`, '--fast', '--check']);
  expect(status).toBe(1);
  expect(err).toBe(
    'Connection 1: 5 frames sent, 2 messages came, 2 were recorded. Message 1 is echo first and was echo other.\n',
  );
  expect(seen[0].path).toBe('/elsewhere');
  expect((await run([file, url, '--speed', '4'])).status).toBe(0);
});

it.each([true, false])(
  'plays compressed messages where the server compresses too, and plain ones where not (%j)',
  async (compresses) => {
    const file = join(directory(), 'a.jsonl');
    await record(file, { threshold: 0 });
    expect(readFileSync(file, 'utf8')).toContain('"rsv":4');
    const { url, seen } = await seeingServer({ perMessageDeflate: compresses ? { threshold: 0 } : false });
    const { status, err } = await run([file, url, '--fast', '--check']);
    expect(err).toContain('all as recorded');
    expect(status).toBe(0);
    expect(seen[0].messages).toEqual(['first', Buffer.from([1, 2, 3])]);
  },
);

it('plays the server to clients, and answers no sooner than it is asked', async () => {
  const file = join(directory(), 'a.jsonl');
  await record(file, { threshold: 0 });
  for (const perMessageDeflate of [true, false]) {
    const controller = new AbortController();
    const { terminal, text } = sayingTerminal();
    const status = replay([file, '--listen', '0', '--check'], terminal, controller.signal);
    await expect.poll(() => text.err).toContain('Playing 1 connection to clients of ws://127.0.0.1:');
    const [, url] = /clients of (\S+)\.\n/.exec(text.err)!;
    const client = new WebSocket(url, 'one', { perMessageDeflate });
    const got: unknown[] = [];
    client.on('message', (data: Buffer, binary: boolean) => got.push(binary ? data : String(data)));
    await once(client, 'open');
    expect(client.protocol).toBe('one');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(got).toEqual([]);
    client.send('first');
    await expect.poll(() => got).toEqual(['echo first']);
    client.send(Buffer.from([1, 2, 3]));
    await expect.poll(() => got).toEqual(['echo first', Buffer.from([1, 2, 3])]);
    client.close(4001, 'done');
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(4001);
    await expect.poll(() => text.err).toContain('2 messages came, all as recorded');
    controller.abort();
    expect(await status).toBe(0);
  }
});

it('plays uncompressed fragments as they were to a client that offers another compression', async () => {
  const file = join(directory(), 'a.jsonl');
  const extension = 'Sec-WebSocket-Extensions: permessage-deflate';
  const heads = {
    request: `GET / HTTP/1.1\r\n${extension}; client_max_window_bits\r\n\r\n`,
    response: `HTTP/1.1 101 Switching Protocols\r\n${extension}\r\n\r\n`,
  };
  const lines = [
    { recording: 1, connection: 1, url: 'ws://x/', started: '2026-01-01T00:00:00.000Z', ...heads },
    { connection: 1, time: 0, from: 'server', opcode: 1, fin: false, text: 'frag' },
    { connection: 1, time: 0, from: 'server', opcode: 0, text: 'ment' },
    { connection: 1, time: 0, from: 'server', opcode: 3, text: 'broken' },
  ];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  const controller = new AbortController();
  const { terminal, text } = sayingTerminal();
  const status = replay([file, '--listen', '0'], terminal, controller.signal);
  await expect.poll(() => text.err).toContain('Playing 1 connection to clients of ws://127.0.0.1:');
  const { peer, head } = await connectRaw(Number(/:(\d+)\.\n/.exec(text.err)![1]), {
    headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=9' },
  });
  expect(head).not.toMatch(/extensions/i);
  const frames = [await peer.readFrame(), await peer.readFrame(), await peer.readFrame()];
  expect(frames.map(({ fin, opcode, payload }) => [fin, opcode, String(payload)])).toEqual([
    [false, 1, 'frag'],
    [true, 0, 'ment'],
    [true, 3, 'broken'],
  ]);
  controller.abort();
  await status;
});

/** A recording of two connections that are open for a minute, the second one a minute after the first. */
function longRecording(): string {
  const file = join(directory(), 'long.jsonl');
  const head = { recording: 1, url: 'ws://x/', request: 'GET / HTTP/1.1\r\n\r\n', response: '' };
  const lines = [
    { ...head, connection: 1, started: '2026-01-01T00:00:00.000Z' },
    { connection: 1, time: 0, from: 'client', opcode: 1, text: 'first' },
    { connection: 1, time: 60_000, from: 'client', opcode: 1, text: 'late' },
    { ...head, connection: 2, started: '2026-01-01T00:01:00.000Z' },
  ];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  return file;
}

it('ends as a client when it is interrupted, and tells what it has played', async () => {
  const { url, seen } = await seeingServer();
  const controller = new AbortController();
  const played = run([longRecording(), url], controller.signal);
  await expect.poll(() => seen[0]?.messages).toEqual(['first']);
  controller.abort();
  const { status, err } = await played;
  expect(status).toBe(0);
  // The frame that was not sent is not among the times.
  expect(err).toMatch(/^Connection 1: 1 frame sent, [^\n]*: p50 \d+\.\d{3} ms, p99 \d+\.\d{3} ms\.\n$/);
  await expect.poll(() => seen.map(({ code }) => code)).toEqual([1006]);
});

it('ends when it is interrupted before a server answers', async () => {
  const controller = new AbortController();
  const server = createServer((socket) => socket.once('data', () => controller.abort()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(run([longRecording(), url], controller.signal)).rejects.toThrow(
    `Cannot connect to ${url}: it was interrupted.`,
  );
});

it('gives a server 10 seconds to answer', () => expectTenSeconds((url) => run([longRecording(), url])));

it('ends as a server when it is interrupted, and counts messages that have not come', async () => {
  const controller = new AbortController();
  const { terminal, text } = sayingTerminal();
  const status = replay([longRecording(), '--listen', '0', '--check'], terminal, controller.signal);
  await expect.poll(() => text.err).toContain('Playing 2 connections to clients of ws://127.0.0.1:');
  const client = new WebSocket(/clients of (\S+)\.\n/.exec(text.err)![1]);
  client.on('error', () => undefined);
  await once(client, 'open');
  controller.abort();
  const [[code], ended] = await Promise.all([once(client, 'close'), status]);
  expect([code, ended]).toEqual([1006, 1]);
  expect(text.err).toContain('Connection 1: 0 frames sent, 0 messages came, 2 were recorded. Message 1 did not come.');
});

it('plays to many clients at once, and keeps nothing of those that have left', async () => {
  const controller = new AbortController();
  const { terminal, text } = sayingTerminal();
  const status = replay([longRecording(), '--listen', '0'], terminal, controller.signal);
  await expect.poll(() => text.err).toContain('Playing 2 connections to clients of ws://127.0.0.1:');
  const alone = getEventListeners(controller.signal, 'abort').length;
  const warnings: string[] = [];
  const warned = ({ name }: Error): unknown => warnings.push(name);
  process.on('warning', warned);
  onTestFinished(() => void process.off('warning', warned));
  const clients = Array.from({ length: 24 }, () => new WebSocket(/clients of (\S+)\.\n/.exec(text.err)![1]));
  await Promise.all(clients.map((client) => once(client, 'open')));
  expect(warnings).toEqual([]);
  for (const client of clients) client.terminate();
  await expect.poll(() => getEventListeners(controller.signal, 'abort').length).toBe(alone);
  controller.abort();
  expect(await status).toBe(0);
});

it('turns a recording into a HAR and back, without loss of messages', async () => {
  const place = directory();
  const [file, har, back] = ['a.jsonl', 'a.har', 'b.jsonl'].map((name) => join(place, name));
  await record(file, { threshold: 0 });
  expect((await run([file, '--save', har])).err).toBe(`${har} holds 1 connection.\n`);
  const { log } = JSON.parse(readFileSync(har, 'utf8')) as { log: { version: string; entries: Entry[] } };
  const [entry] = log.entries;
  expect([log.version, entry._resourceType, entry.request.method, entry.response.status]).toEqual([
    '1.2',
    'websocket',
    'GET',
    101,
  ]);
  expect(entry.request.queryString).toEqual([{ name: 'room', value: '1' }]);
  const messages = entry._webSocketMessages;
  expect(messages.map(({ type, opcode, data }) => [type, opcode, data])).toEqual([
    ['send', 1, 'first'],
    ['receive', 1, 'echo first'],
    ['send', 2, 'AQID'],
    ['receive', 2, 'AQID'],
  ]);
  // Seconds since 1970.
  expect(Math.abs(messages[0].time * 1000 - Date.now())).toBeLessThan(60_000);
  expect(messages[2].time - messages[0].time).toBeGreaterThan(0.055);
  await run([har, '--save', back]);
  const { url, seen } = await seeingServer();
  const { err } = await run([back, url, '--fast', '--check']);
  expect(err).toContain('all as recorded');
  expect(seen[0]).toMatchObject({ path: '/chat?room=1', messages: ['first', Buffer.from([1, 2, 3])] });
  const recorded = join(place, 'c.har');
  await record(recorded);
  expect((JSON.parse(readFileSync(recorded, 'utf8')) as typeof log & { log: typeof log }).log.entries).toHaveLength(1);
});

it('plays broken frames as they were, and only the connection that is asked for', async () => {
  const file = join(directory(), 'a.jsonl');
  const head = {
    recording: 1,
    started: '2026-01-01T00:00:00.000Z',
    url: 'ws://x/',
    request: 'GET /odd HTTP/1.1\r\n\r\n',
  };
  const lines = [
    { ...head, connection: 1, response: '' },
    { ...head, connection: 2, response: '' },
    { connection: 1, time: 0, from: 'client', opcode: 1, text: 'not this' },
    { connection: 2, time: 1, from: 'client', opcode: 1, headerLength: 8, text: 'x' },
  ];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  let bytes = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (request: Buffer) => {
      socket.write(responseHead(String(request)));
      socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await run([file, url, '--connection', '2', '--wait', '50ms']);
  expect(bytes.subarray(0, 4).toString('hex')).toBe('81fe0001');
  expect(bytes[8] ^ bytes[4]).toBe('x'.charCodeAt(0));
});

it('ends the connections that play where another cannot be opened', async () => {
  const file = join(directory(), 'two.jsonl');
  const head = { recording: 1, started: '2026-01-01T00:00:00.000Z', url: 'ws://x/', response: '' };
  const lines = [
    { ...head, connection: 1, request: 'GET /long HTTP/1.1\r\n\r\n' },
    { ...head, connection: 2, request: 'GET /refused HTTP/1.1\r\n\r\n', started: '2026-01-01T00:00:00.050Z' },
    { connection: 1, time: 600_000, from: 'client', opcode: 1, text: 'late' },
  ];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/long' });
  onTestFinished(() => server.close());
  await once(server, 'listening');
  const ended = new Promise((resolve) => server.on('connection', (socket) => socket.on('close', resolve)));
  const { port } = server.address() as AddressInfo;
  await expect(run([file, `ws://127.0.0.1:${port}`])).rejects.toThrow(/^Cannot connect to ws:.* it answers 400/);
  expect(await ended).toBe(1006);
});

it('tells no times where it has sent no frame', async () => {
  const file = join(directory(), 'silent.jsonl');
  const head = { recording: 1, started: '2024-01-01T00:00:00.000Z', url: 'ws://x/' };
  const lines = [head, { time: 5, from: 'server', opcode: 1, text: 'hello' }];
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => socket.send('hello'));
  await once(server, 'listening');
  onTestFinished(() => server.close());
  const { err } = await run([file, `ws://127.0.0.1:${(server.address() as AddressInfo).port}`]);
  expect(err).toMatch(/^Connection 1: 0 frames sent, 1 message came, all as recorded\.\n$/);
});

it('leaves out a last line that is not whole, and no other', async () => {
  const head = '{"recording":1,"started":"2024-01-01T00:00:00.000Z","url":"ws://127.0.0.1:1/"}';
  const frame = '{"time":0,"from":"client","opcode":1,"text":"x"}';
  const file = join(directory(), 'torn.jsonl');
  const saved = join(directory(), 'saved.jsonl');
  writeFileSync(file, [head, frame, frame.slice(0, 20)].join('\n'));
  expect((await run([file, '--save', saved])).status).toBe(0);
  expect(readFileSync(saved, 'utf8').match(/"text":"x"/g)).toHaveLength(1);
  writeFileSync(file, [head, frame.slice(0, 20), frame].join('\n'));
  await expect(run([file, '--save', saved])).rejects.toThrow(/torn\.jsonl, line 2: this is no JSON object\.$/);
});

it('reads files that begin with a byte order mark, as HAR allows, and lines that end with CRLF', async () => {
  const frame = '{"time":0,"from":"client","opcode":1,"text":"\uFEFFx"}';
  const [file, har, saved] = ['marked.jsonl', 'marked.har', 'saved.jsonl'].map((name) => join(directory(), name));
  writeFileSync(file, `\uFEFF{"recording":1,"started":"2024-01-01T00:00:00.000Z","url":"ws://x/"}\r\n${frame}\r\n`);
  await run([file, '--save', har]);
  writeFileSync(har, `\uFEFF${readFileSync(har, 'utf8')}`);
  await run([har, '--save', saved]);
  expect(readFileSync(saved, 'utf8')).toContain(',"text":"\uFEFFx"}\n');
});

it('says that a HAR lacks what those of browsers have', async () => {
  const file = join(directory(), 'other.har');
  const request = { url: 'ws://127.0.0.1:1/' };
  for (const entry of [
    null,
    { _webSocketMessages: [] },
    { _webSocketMessages: {}, request },
    { _webSocketMessages: [{ type: 'send', opcode: 1, time: 'now', data: '' }], request },
    { _webSocketMessages: [{ type: 'send', opcode: 1, time: 1e300, data: '' }], request },
    { _webSocketMessages: [{ type: 'send', opcode: 99, time: 1, data: '' }], request },
  ]) {
    writeFileSync(file, JSON.stringify({ log: { entries: [entry] } }));
    await expect(run([file, '--save', `${file}.jsonl`])).rejects.toThrow(
      /other\.har is not as browsers write it: an entry/,
    );
  }
});

it.each([
  [[], /^Give a FILE, and one of URL/],
  [['x.jsonl'], /^Give a FILE, and one of URL/],
  [['x.jsonl', 'ws://127.0.0.1:1', '--listen', '0'], /^Give a FILE, and one of URL/],
  [['ws://127.0.0.1:1', 'x.jsonl'], /^FILE comes before URL, such as wsimd replay FILE ws:/],
  [['/no/such/file', 'ws://127.0.0.1:1'], /^Cannot read \/no\/such\/file: /],
  [['package.json', 'ws://127.0.0.1:1'], /^package\.json, line 1: this is no JSON object\.$/],
  [['EMPTY.har', 'ws://127.0.0.1:1'], /EMPTY\.har is no HAR: JSON with "log" and its "entries"\.$/],
  [['FILE', 'ws://127.0.0.1:1', '--speed', '0'], /^--speed takes a number above 0/],
  [['FILE', 'ws://127.0.0.1:1', '--speed', '2', '--fast'], /^--fast and --speed do not go together\.$/],
  [
    ['FILE', 'ws://127.0.0.1:1', '--connection', '7'],
    /^--connection takes one of the recording, not "7"\. There are: 1\.$/,
  ],
  [['FILE', 'ws://127.0.0.1:1'], /^Cannot connect to ws:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/],
  [['FILE', 'gopher://x'], /^URL is an address such as/],
  [['FILE', '--listen', 'x'], /^--listen is a port/],
  [['FILE', '--listen', '0', '--insecure'], /^--insecure is for wss\.$/],
  [['FILE', 'ws://127.0.0.1:1', '--cert', 'x', '--key', 'x'], /^--cert and --key go with --listen\.$/],
  [['FILE', '--save', '/no/such/directory/x'], /^Cannot write \/no\/such\/directory\/x: /],
])('%j is refused in one sentence', async (args, sentence) => {
  const file = join(directory(), 'a.jsonl');
  writeFileSync(file, '{"recording":1,"started":"2026-01-01T00:00:00Z","url":"ws://x/"}\n');
  const empty = join(directory(), 'EMPTY.har');
  writeFileSync(empty, '{}');
  const given = args.map((word) => (word === 'FILE' ? file : word === 'EMPTY.har' ? empty : word));
  await expect(run(given)).rejects.toThrow(
    expect.objectContaining({ name: 'CommandError', message: expect.stringMatching(sentence) as string }),
  );
});

it('tells what to do about a port in use', async () => {
  const file = join(directory(), 'a.jsonl');
  writeFileSync(file, '{"recording":1,"started":"2026-01-01T00:00:00Z","url":"ws://x/"}\n');
  const { port } = new URL((await seeingServer()).url);
  await expect(run([file, '--listen', port])).rejects.toThrow(/ Give --listen another port; 0 is any free one\.$/);
});

it.each([
  ['{"recording":2}', 'line 1: this version of the format is not known, only 1 is.'],
  ['{"time":1}', 'line 1: no line before this one opens connection 1.'],
  ['HEAD\n{"time":-1}', 'line 2: "time" is a number of ms from 0.'],
  ['HEAD\n{"time":1,"from":"me"}', 'line 2: "from" is "client" or "server".'],
  ['HEAD\n{"time":1,"from":"client","opcode":1}', 'line 2: a frame has "text" or "base64".'],
  ['HEAD\n{"time":1,"from":"client","opcode":16,"text":""}', 'line 2: "opcode" is a whole number from 0 to 15.'],
  ['HEAD\n\nHEAD', 'line 3: connection 1 has opened already.'],
  ['{"log":{"entries":[]}}', ' holds no WebSocket connection.'],
])('a recording with %j is refused with the line that is wrong', async (text, sentence) => {
  const file = join(directory(), 'a.jsonl');
  writeFileSync(file, text.replaceAll('HEAD', '{"recording":1,"started":"","url":""}'));
  await expect(run([file, 'ws://127.0.0.1:1'])).rejects.toThrow(sentence);
});

it('explains each option in --help', async () => {
  const { terminal, text } = sayingTerminal();
  expect(await replay(['--help'], terminal, AbortSignal.abort())).toBe(0);
  for (const option of 'listen save fast speed connection check wait insecure cert key'.split(' ')) {
    expect(text.out).toContain(`--${option} `);
  }
});
