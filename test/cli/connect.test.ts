/** `wsimd connect`, as a person in a terminal and as a pipe use it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { connect } from '../../src/cli/tool/connect.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { closeCode, listenRaw, responseHead } from '../support/raw-peer.js';
import { startServing } from '../support/serving.js';
import { expectTenSeconds } from '../support/silent-server.js';
import { colourJson, hexDump, printable } from '../../src/cli/tool/show.js';

// The library keeps Node's timers, which no test moves; here its time is that of the test.
vi.mock(import('../../src/node/turn.js'), async (original) => ({
  ...(await original()),
  startTimer: ((work: () => void, delay: number) => setTimeout(work, delay)) as never,
  stopTimer: (timer) => clearTimeout(timer),
}));

type Behaviour = (websocket: WebSocket, request: { headers: Record<string, unknown>; url?: string }) => void;

/** An echo server of `ws`, or one that behaves so. */
async function serverThat(
  behave: Behaviour = (websocket) => websocket.on('message', (data, binary) => websocket.send(data, { binary })),
): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (websocket, request) => behave(websocket, request));
  onTestFinished(() => {
    for (const websocket of server.clients) websocket.terminate();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

interface Run {
  input: PassThrough;
  said: () => { out: string; err: string };
  status: Promise<number>;
  interrupt: () => void;
}

function run(args: string[], { isTyping = false, isTerminal = false, hasColours = false } = {}): Run {
  const input = new PassThrough();
  const text = { out: '', err: '' };
  const interruption = new AbortController();
  const terminal = {
    out: (more: string) => void (text.out += more),
    err: (more: string) => void (text.err += more),
    columns: undefined,
  };
  const status = connect(args, terminal, interruption.signal, { input, isTyping, isTerminal, hasColours });
  return { input, said: () => text, status, interrupt: () => interruption.abort() };
}

it('sends the lines of a pipe, prints the answers, and ends with status 0', async () => {
  const { input, said, status } = run([await serverThat(), '--wait', '0.2s']);
  input.end('one\n/ping is text here\n');
  expect(await status).toBe(0);
  expect(said().out).toBe('one\n/ping is text here\n');
  expect(said().err).toMatch(/^Connected to ws:.+\nClosed with 1000 \(it is done\)\.\n$/);
});

it('sends the bytes of a pipe as they are with --binary, and encodes what is typed', async () => {
  const line = Buffer.from([0xff, 0x00, 0xc3, 0x80, 0x0d, 0xe2, 0xfe, 0x0d]);
  const last = Buffer.from([0x61, 0x0d]);
  let left = 3;
  const url = await serverThat((websocket) =>
    websocket.on('message', (data) => {
      websocket.send(data);
      if (--left === 0) websocket.close(1000);
    }),
  );
  const { input, said, status } = run([url, '--binary', '--wait', '10s']);
  input.write(line.subarray(0, 3));
  input.write(Buffer.concat([line.subarray(3), Buffer.from('\n\n'), last.subarray(0, 1)]));
  input.end(last.subarray(1));
  expect(await status).toBe(0);
  expect(said().out).toBe(`${hexDump(line)}\n${hexDump(Buffer.alloc(0))}\n${hexDump(last)}\n`);

  const typing = run([await serverThat(), '--binary'], { isTyping: true });
  typing.input.write('é\n');
  await expect.poll(() => typing.said().out).toBe(`${hexDump(Buffer.from('é'))}\n`);
  typing.input.end();
  expect(await typing.status).toBe(0);
});

it('obeys a person: ping, hex, text that begins with a slash, close', async () => {
  const { input, said, status } = run([await serverThat()], { isTyping: true });
  input.write('/ping\n/hex 00 ff 41\n//text\n/nonsense\n/hex 0\n/close 1005\n');
  await expect.poll(() => said().out).toBe(`${hexDump(Buffer.from([0, 255, 65]))}\n/text\n`);
  await expect.poll(() => said().err).toMatch(/Pong after \d+\.\d\d ms\./);
  expect(said().err).toContain('There is no /nonsense.');
  expect(said().err).toContain('/hex takes pairs of hex digits');
  expect(said().err).toContain('/close takes a code that may be sent, such as 1000 or 3000 to 4999, not 1005.');
  input.write('/close abc\n');
  await expect.poll(() => said().err).toContain(', not abc.');
  input.write('/close 4000 bye\n');
  expect(await status).toBe(1);
  expect(said().err).toContain("Closed with 4000 (a code of the application's own): bye.");
});

it('closes at the end of what is typed, and when it is interrupted', async () => {
  for (const end of ['input', 'interrupt'] as const) {
    const { input, said, status, interrupt } = run([await serverThat()], { isTyping: true });
    await expect.poll(() => said().err).toContain('Connected');
    if (end === 'input') input.end();
    else interrupt();
    expect(await status).toBe(0);
  }
});

it('ends a second after it is interrupted where the server does not answer', async () => {
  const { said, status, interrupt } = run([await serverThat((websocket) => websocket.pause())]);
  await expect.poll(() => said().err).toContain('Connected');
  interrupt();
  expect(await status).toBe(1);
  expect(said().err).toContain('Closed with 1006');
});

it('reads a pipe no faster than the server takes its lines', async () => {
  const lines = 40;
  let server: WebSocket | undefined;
  let came = 0;
  const url = await serverThat((websocket) => {
    websocket.on('message', () => came++);
    websocket.pause();
    server = websocket;
  });
  const { input, status } = run([url, '--wait', '0']);
  for (let line = 0; line < lines; line++) input.write(`${'x'.repeat(2 ** 20)}\n`);
  await expect.poll(() => input.isPaused()).toBe(true);
  server!.resume();
  input.end();
  expect(await status).toBe(0);
  expect(came).toBe(lines);
});

it('passes on header fields, subprotocols and the origin', async () => {
  const seen: Record<string, unknown>[] = [];
  const url = await serverThat((websocket, { headers }) => {
    seen.push(headers);
    websocket.close();
  });
  const given = [
    '--header',
    'X-One: 1',
    '--header',
    'x-one: 2',
    '--header',
    'Cookie: a=b',
    '--header',
    'constructor: 3',
    '--protocol',
    'chat',
    '--origin',
    'http://here',
  ];
  const { said, status } = run([...given, url]);
  expect(await status).toBe(0);
  expect(said().err).toContain(', subprotocol chat.');
  expect(said().err).toContain('Closed with 1005 (no code was given).');
  expect(seen[0]).toMatchObject({ 'x-one': '1, 2', cookie: 'a=b', origin: 'http://here' });
});

it('connects to a Unix socket, and to an address without a scheme', async () => {
  const path = join(tmpdir(), `wsimd-connect-${process.pid}.sock`);
  const server = createServer();
  const urls: (string | undefined)[] = [];
  new WebSocketServer({ server }).on('connection', (websocket, { url }) => {
    urls.push(url);
    websocket.close(1000);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(path, resolve));
  expect(await run(['--unix', path, 'ws://localhost/chat?x=1']).status).toBe(0);
  expect(urls).toEqual(['/chat?x=1']);
  const address = await serverThat((websocket) => websocket.close(1000));
  expect(await run([address.slice('ws://'.length)]).status).toBe(0);
});

it('connects to a Unix socket by TLS, with the host of the URL, whatever the name of the socket', async () => {
  const place = mkdtempSync(join(tmpdir(), 'wsimd:connect-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const server = createTlsServer({ cert: CERTIFICATE, key: KEY });
  const hosts: unknown[] = [];
  new WebSocketServer({ server }).on('connection', (websocket, { headers }) => {
    hosts.push(headers.host);
    websocket.close(1000);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(join(place, 's'), resolve));
  const { said, status } = run(['--unix', join(place, 's'), '--insecure', 'wss://there/chat']);
  expect(await status).toBe(0);
  expect(said().err).toMatch(/^Connected to wss:\/\/there\/chat\.\n/);
  expect(hosts).toEqual(['there']);
});

it('says what to do about a certificate that nothing vouches for', async () => {
  const server = createTlsServer({ cert: CERTIFICATE, key: KEY });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { status } = run([`wss://127.0.0.1:${(server.address() as { port: number }).port}`]);
  await expect(status).rejects.toThrow(/^Cannot connect to wss:.+; --insecure takes any certificate\.$/);
});

it('says that it was interrupted before the connection opened', async () => {
  const server = createNetServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { status, interrupt } = run([`ws://127.0.0.1:${(server.address() as { port: number }).port}`]);
  interrupt();
  await expect(status).rejects.toThrow(/^Cannot connect to ws:.*: it was interrupted\.$/);
});

it.each([
  [[], /^wsimd connect takes one URL/],
  [['ws://127.0.0.1:1', 'more'], /^wsimd connect takes one URL/],
  [['--nonsense'], /^wsimd connect: Unknown option '--nonsense'; the options are in wsimd connect --help\.$/],
  [['-x'], /^wsimd connect: Unknown option '-x'; the options are in wsimd connect --help\.$/],
  [['--header', 'none', 'ws://127.0.0.1:1'], /^--header takes 'NAME: VALUE', not "none"\.$/],
  [['--header'], /^wsimd connect: --header needs a value; one that begins with a dash is given as --header=-1\.$/],
  [['--header', 'X: \u2603', 'ws://127.0.0.1:1'], /^--header takes 'NAME: VALUE', not "X: ."\.$/],
  [['--origin', 'a b', 'ws://127.0.0.1:1'], /^--origin takes an origin, such as .*, not "a b"\.$/],
  [['--protocol', 'a b', 'ws://127.0.0.1:1'], /^--protocol takes names of subprotocols, each once, not "a b"\.$/],
  [['--record', '-', 'ws://127.0.0.1:1'], /^--record takes a file, not "-"\.$/],
  [
    ['--wait', 'long', 'ws://127.0.0.1:1'],
    /^--wait takes a time from 0ms to 24 days, such as 500ms, 10s or 2m, not "long"\.$/,
  ],
  [
    ['foo'],
    /^URL is an address such as ws:\/\/127\.0\.0\.1:9001, not "foo"; a host of this name is given as ws:\/\/foo\.$/,
  ],
  [['--unix', 'x', 'ws://'], /^URL is an address such as ws:\/\/127\.0\.0\.1:9001, not "ws:\/\/"\.$/],
  [['1'], /^Cannot connect to ws:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/],
  [['ws://127.0.0.1:1'], /^Cannot connect to ws:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/],
  [
    ['--format', '%{nothing}', 'ws://127.0.0.1:1'],
    /^--format knows no %\{nothing\}\. There are: url, status, .*, json\.$/,
  ],
  [['--format', '%{time-open}', 'ws://127.0.0.1:1'], /^--format knows no %\{time-open\}\./],
  [
    ['--format', '%{url} %{time_open\\n', 'ws://127.0.0.1:1'],
    /^--format has no \} after %\{time_open; %%\{ stands for %\{ itself\.$/,
  ],
  [['--record', '/no/such/directory/x', 'ws://127.0.0.1:1'], /^Cannot write \/no\/such\/directory\/x: /],
  [['wss://PLAIN'], /^Cannot connect to wss:.*: nothing speaks TLS there, so that wss: does not fit\.$/],
  [['gopher://here'], /^URL is an address such as ws:\/\/127\.0\.0\.1:9001, not "gopher:\/\/here"\.$/],
])('%j is refused in one sentence', async (args, sentence) => {
  const plain = await serverThat();
  const given = args.map((word) => word.replace('wss://PLAIN', plain.replace('ws', 'wss')));
  await expect(run(given).status).rejects.toThrow(
    expect.objectContaining({ name: 'CommandError', message: expect.stringMatching(sentence) as string }),
  );
});

it('gives a server 10 seconds to answer', () => expectTenSeconds((url) => run([url]).status));

it('explains each option in --help', async () => {
  const { said, status } = run(['--help']);
  expect(await status).toBe(0);
  const options = 'header protocol origin insecure unix binary deflate http2 record format wait';
  for (const option of options.split(' ')) expect(said().out).toContain(`--${option} `);
});

it('prints the facts of a connection by a template', async () => {
  const url = await serverThat((websocket) => {
    websocket.on('message', () => {
      websocket.send('answer');
      websocket.close(4002, 'why');
    });
  });
  const format =
    '%{status}|%{http_version}|%{close_code}|%{close_reason}|%{messages_sent}/%{bytes_received}|%{time_open}\\t100%%{\\n';
  const { input, said, status } = run(['--format', format, url]);
  input.end('question\n');
  expect(await status).toBe(1);
  expect(said().out).toMatch(/^answer\n101\|1\.1\|4002\|why\|1\/11\|0\.\d{6}\t100%\{\n$/);
  const all = run(['--format', '%{json}', await serverThat((websocket) => websocket.close())]);
  await all.status;
  const facts = JSON.parse(all.said().out) as Record<string, unknown>;
  expect(facts).toMatchObject({ status: 101, close_code: 1005, messages_sent: 0, time_first: 0 });
  for (const name of Object.keys(facts)) expect(all.said().out, name).toContain(name);
});

it('records the messages, for wsimd replay and as a HAR', async () => {
  const place = mkdtempSync(join(tmpdir(), 'wsimd-connect-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  for (const name of ['a.jsonl', 'a.har']) {
    const file = join(place, name);
    const { input, said, status } = run(['--deflate', '--record', file, `${await serverThat()}/chat`], {
      isTyping: true,
    });
    input.write('Hello\n/hex 00ff\n/ping beat\n');
    await expect.poll(() => said().err).toContain('Pong after');
    // What follows the Close is not sent.
    input.write('/close 4000 bye\nlate\n/ping late\n');
    await status;
    const text = readFileSync(file, 'utf8');
    if (name === 'a.har') {
      expect(
        (JSON.parse(text) as { log: { entries: { _webSocketMessages: object[] }[] } }).log.entries[0],
      ).toMatchObject({
        _webSocketMessages: [
          { type: 'send', opcode: 1, data: 'Hello' },
          { type: 'send', opcode: 2, data: 'AP8=' },
          { type: 'receive', opcode: 1, data: 'Hello' },
          { type: 'receive', opcode: 2, data: 'AP8=' },
        ],
      });
      continue;
    }
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0].request).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    expect(lines.slice(1).map(({ from, opcode, text: own, base64 }) => [from, opcode, own ?? base64])).toEqual([
      ['client', 1, 'Hello'],
      ['client', 2, 'AP8='],
      ['client', 9, 'beat'],
      ['server', 1, 'Hello'],
      ['server', 2, 'AP8='],
      ['server', 10, 'beat'],
      ['client', 8, 'D6BieWU='],
      ['server', 8, 'D6BieWU='],
      [undefined, undefined, undefined],
    ]);
  }
});

it('records no pong to a ping that follows its own Close', async () => {
  const place = mkdtempSync(join(tmpdir(), 'wsimd-connect-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const file = join(place, 'a.jsonl');
  const { port, stop } = await listenRaw(async (peer, request) => {
    peer.write(responseHead(request));
    peer.send({ opcode: 9, payload: 'early' });
    while ((await peer.readFrame()).opcode !== 8);
    peer.send({ opcode: 9, payload: 'late' }, { opcode: 8, payload: closeCode(1000) });
    peer.socket.end();
  });
  onTestFinished(() => stop());
  const { input, said, status } = run(['--record', file, `ws://127.0.0.1:${port}`], { isTyping: true });
  await expect.poll(() => said().err).toContain('Connected');
  await expect.poll(() => readFileSync(file, 'utf8')).toContain('early');
  input.end();
  await status;
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1, -1);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { from: 'server', opcode: 9 },
    { from: 'client', opcode: 10 },
    { from: 'client', opcode: 8 },
    { from: 'server', opcode: 9 },
    { from: 'server', opcode: 8 },
  ]);
});

it('records the fields of a request over HTTP/2 as those over HTTP/1.1', async () => {
  const place = mkdtempSync(join(tmpdir(), 'wsimd-connect-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const serving = await startServing(['--cert', temporary(CERTIFICATE), '--key', temporary(KEY), '--http2']);
  const heads = [];
  for (const version of [[], ['--http2']]) {
    const file = join(place, `${version.length}.jsonl`);
    const options = ['--insecure', '--header', 'X-One: 1', '--header', 'x-two: 2', '--header', 'x-two: 3', '--deflate'];
    const { input, said, status } = run(
      [...version, ...options, '--protocol', 'chat', '--record', file, `${serving.ws}path?q`],
      { isTyping: true },
    );
    await expect.poll(() => said().err).toContain('Connected');
    input.end();
    await status;
    const { request } = JSON.parse(readFileSync(file, 'utf8').split('\n')[0]) as { request: string };
    const [start, ...fields] = request.trim().split('\r\n');
    const kept = fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()));
    // RFC 8441 5: these are of HTTP/1.1 alone.
    heads.push([start, ...kept.filter((field) => !/^(?:connection|upgrade|sec-websocket-key):/.test(field)).sort()]);
  }
  expect(heads[0]).toContain('x-two: 2, 3');
  expect(heads[1]).toEqual(heads[0]);
  await serving.stop();
});

it('asks over HTTP/2', async () => {
  const serving = await startServing(['--cert', temporary(CERTIFICATE), '--key', temporary(KEY), '--http2']);
  const { input, said, status } = run([
    '--http2',
    '--insecure',
    '--format',
    '%{http_version} %{status}',
    serving.ws,
    '--wait',
    '100',
  ]);
  input.end('Hello\n');
  expect(await status).toBe(0);
  expect(said().out).toBe('Hello\n2 200');
  await serving.stop();
});

/** A file with this text. */
function temporary(text: string): string {
  const place = mkdtempSync(join(tmpdir(), 'wsimd-connect-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, 'pem'), text);
  return join(place, 'pem');
}

it('colours JSON alone, dumps bytes, and lets no peer give orders to the terminal', async () => {
  expect(colourJson('plain "text" 1')).toBe('plain "text" 1');
  expect(colourJson('{broken')).toBe('{broken');
  expect(colourJson('{"a":[1,true,"b"]}')).toBe(
    '{\u001b[36m"a"\u001b[0m:[\u001b[33m1\u001b[0m,\u001b[35mtrue\u001b[0m,\u001b[32m"b"\u001b[0m]}',
  );
  expect(hexDump(Buffer.from('0123456789abcdef\n'))).toBe(
    `00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n00000010  0a${' '.repeat(45)}  .`,
  );
  expect(hexDump(Buffer.alloc(0))).toBe('(0 bytes)');
  expect(printable('a\u001b[2Jb\u009b')).toBe('a\\u001b[2Jb\\u009b');
  const url = await serverThat((websocket) => {
    websocket.send('\u001b[2J{');
    websocket.close(1000, '\u001b[2J');
  });
  for (const hasColours of [true, false]) {
    const { said, status } = run([url, '--format', '%{close_reason}'], { isTerminal: true, hasColours });
    await status;
    expect(said().out).toBe('\\u001b[2J{\n\\u001b[2J');
    expect(said().err).not.toContain('\u001b');
  }
  const piped = run([url, '--format', '%{close_reason}']);
  await piped.status;
  expect(piped.said().out).toBe('\u001b[2J{\n\u001b[2J');
});
