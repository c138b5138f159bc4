import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { inflateRawSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { conformance } from '../../src/cli/conformance.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { fuzzServer } from '../../src/conformance/fuzz/fuzz-server.js';
import { CERTIFICATE, KEY } from '../node/contract/certificate.js';
import { responseHead } from '../support/raw-peer.js';

let directory = '';
const servers = new Set<{ close(): unknown }>();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wsimd-cli-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

afterAll(() => {
  for (const server of servers) server.close();
});

/** An echo server made with ws. */
async function echoServer(): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  servers.add(server);
  server.on('headers', (headers) => headers.push('Server: ws'));
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that accepts TCP and ends it as soon as something comes. */
async function droppingServer(): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.destroy());
  });
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Run {
  status: number;
  out: string;
  err: string;
}

/** A terminal that remembers what was said, and calls `heard` for each piece of it. */
function recorder(
  columns?: number,
  heard: (text: string) => void = () => undefined,
): Terminal & { said: { out: string; err: string } } {
  const said = { out: '', err: '' };
  const hear = (stream: 'out' | 'err') => (text: string) => {
    said[stream] += text;
    heard(text);
  };
  return { said, columns, width: columns, out: hear('out'), err: hear('err') };
}

async function run(args: string[], columns?: number): Promise<Run> {
  const terminal = recorder(columns);
  const status = await conformance(
    [...args, '--out', join(directory, 'report')],
    terminal,
    new AbortController().signal,
  );
  return { status, ...terminal.said };
}

/** The same with the command that starts the testee, which stands last. */
async function runWith(args: string[], command: string[]): Promise<Run> {
  const terminal = recorder();
  const words = [...args, '--out', join(directory, 'report'), ...command];
  const status = await conformance(words, terminal, new AbortController().signal);
  return { status, ...terminal.said };
}

function index(): Record<string, Record<string, Record<string, unknown>>> {
  return JSON.parse(readFileSync(join(directory, 'report', 'index.json'), 'utf8')) as ReturnType<typeof index>;
}

test('a server that does what it should gives status 0 and a report', async () => {
  const { status, out, err } = await run(['server', await echoServer(), '--cases', '1.1.1,2.*']);
  expect(status).toBe(0);
  expect(err).toBe('');
  expect(out).toMatch(
    /^ws +OK\n {3}1 {2}Framing +1\n {3}2 {2}Pings and pongs +11\n {6}all +12\n\nPassed: 12 cases\.\nReport: .*index\.html\n$/,
  );
  expect(index().ws['2.7']).toMatchObject({
    behavior: 'OK',
    behaviorClose: 'OK',
    remoteCloseCode: 1000,
    reportfile: 'ws_case_2_7.json',
  });
  expect(readdirSync(join(directory, 'report'))).toHaveLength(2 * 12 + 2);
});

test('a server that does not gives status 1, each case with its reason, and a JUnit file', async () => {
  const junit = join(directory, 'ci', 'junit.xml');
  const args = ['server', await droppingServer(), '--cases', '1.1.1,2.7', '--agent', 'dropper', '--junit', junit];
  const { status, out } = await run(args);
  expect(status).toBe(1);
  expect(out).toMatch(/\n {2}1\.1\.1 +FAILED +\S.*\n {2}2\.7 +FAILED +\S.*\n\nFailed: 2 of 2 cases\.\n/);
  expect(readFileSync(junit, 'utf8').match(/<failure /g)).toHaveLength(2);
});

test('against its own earlier index.json the same server gives status 0', async () => {
  const url = await droppingServer();
  expect((await run(['server', url, '--cases', '2.7'])).status).toBe(1);
  const baseline = join(directory, 'report', 'index.json');
  expect((await run(['server', url, '--cases', '2.7', '--baseline', baseline])).status).toBe(0);
  // Against a better one it has become worse.
  const better = join(directory, 'better.json');
  writeFileSync(better, readFileSync(baseline, 'utf8').replaceAll('"FAILED"', '"OK"'));
  expect((await run(['server', url, '--cases', '2.7', '--baseline', better])).status).toBe(1);
});

test('--strict refuses what is NON-STRICT', async () => {
  const args = ['server', await echoServer(), '--cases', '6.4.1'];
  const loose = await run(args);
  expect(index().ws['6.4.1'].behavior).toBe('NON-STRICT');
  expect(loose.status).toBe(0);
  expect((await run([...args, '--strict'])).status).toBe(1);
});

test('a spec file runs several servers, tells those of one name apart, and leaves cases out for some', async () => {
  const spec = join(directory, 'spec.json');
  const [one, two, three] = [await echoServer(), await echoServer(), await echoServer()];
  const servers = [{ url: one }, { url: two }, { url: three, agent: 'third' }];
  writeFileSync(
    spec,
    JSON.stringify({
      servers,
      cases: ['2.*'],
      'exclude-cases': ['2.1'],
      'exclude-agent-cases': { 'thi*': ['2.1*', '2.7'] },
      options: { failByDrop: false, tcpNoDelay: true },
    }),
  );
  const { status, err } = await run(['server', '--spec', spec]);
  expect(status).toBe(0);
  expect(err).toBe('Without effect here: tcpNoDelay of the spec file.\n');
  const agents = index();
  expect(Object.keys(agents).sort()).toEqual(['third', `ws at ${one}`, `ws at ${two}`].sort());
  expect(Object.keys(agents[`ws at ${one}`])).toHaveLength(10);
  expect(Object.keys(agents.third).sort()).toEqual(['2.2', '2.3', '2.4', '2.5', '2.6', '2.8', '2.9']);
});

test('of several servers one that is not there is UNREACHABLE, and the others are reported', async () => {
  const spec = join(directory, 'spec.json');
  const servers = [
    { url: 'ws://127.0.0.1:1', agent: 'gone' },
    { url: await echoServer(), agent: 'there' },
  ];
  writeFileSync(spec, JSON.stringify({ servers, cases: ['2.*'] }));
  const { status, out } = await run(['server', '--spec', spec]);
  expect(status).toBe(1);
  expect(out).toMatch(/ {2}UNREACHABLE: Cannot connect to 127\.0\.0\.1, port 1 \(ECONNREFUSED\)/);
  expect(out).toContain('Failed: 11 cases have no result.');
  expect(Object.keys(index().there)).toHaveLength(11);
  writeFileSync(spec, JSON.stringify({ servers: [servers[0], servers[0]], cases: ['2.*'] }));
  await expect(run(['server', '--spec', spec])).rejects.toThrow('UNREACHABLE: Cannot connect');
});

test('subprotocols, an origin and header lines are in every request', async () => {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ origin, req }: { origin: string; req: { headers: Record<string, unknown> } }) =>
      origin === 'http://a.example' &&
      req.headers.authorization === 'Bearer x' &&
      req.headers['sec-websocket-protocol'] === 'mqtt',
  });
  servers.add(server);
  server.on('connection', (socket) => socket.on('message', (data: Buffer, binary) => socket.send(data, { binary })));
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['server', url, '--cases', '1.1.1', '--protocol', 'mqtt', '--header', 'Authorization: Bearer x'];
  expect((await run(args)).status).toBe(1);
  expect((await run([...args, '--origin', 'http://a.example'])).status).toBe(0);
  const spec = join(directory, 'spec.json');
  writeFileSync(spec, JSON.stringify({ servers: [{ url, origin: 'http://a.example', protocols: ['mqtt'] }] }));
  expect(
    (await run(['server', '--spec', spec, '--cases', '1.1.1', '--header', 'Authorization: Bearer x'])).status,
  ).toBe(0);
});

const PROGRAM = `
  const { WebSocketServer } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  const server = new WebSocketServer({ port: Number(process.argv[1]), host: '127.0.0.1' });
  server.on('connection', (socket, { headers }) => {
    socket.on('error', () => {});
    socket.on('message', (data, binary) => binary ? process.exit(7) : socket.send(data, { binary }));
  });
`;

test('a command starts the server, again when it dies, and is ended', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  const url = `ws://127.0.0.1:${port}`;
  const command = ['--', process.execPath, '-e', PROGRAM, String(port)];
  const { status, out, err } = await runWith(['server', url, '--cases', '1.1.1,1.2.1,1.1.2,2.1'], command);
  expect(status).toBe(1);
  expect(out).toMatch(/\n {2}1\.2\.1 +FAILED +.*The server died of this case.*\n\nFailed: 1 of 4 cases\.\n/);
  expect(err).toContain('The server died in 1.2.1 and was started again.\n');
  await expect(run(['server', url])).rejects.toThrow('ECONNREFUSED');
  await expect(
    runWith(['server', url, '--cases', '2.1'], ['--', process.execPath, '-e', 'console.log("no"); process.exit(3)']),
  ).rejects.toThrow('The testee ended (status 3) before it listened. It said: no');
});

test('a server that dies midway and cannot be started again is said to have died, once', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  servers.add(server);
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, binary) => {
      if (!binary) return socket.send(data, { binary });
      server.close();
      for (const client of server.clients) client.terminate();
    });
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { status, out, err } = await run(['server', url, '--jobs', '1', '--cases', '1.*,2.*']);
  expect(status).toBe(1);
  expect(out).toMatch(/\n {2}1\.2\.1 +FAILED +.*The server died of this case/);
  expect(out).toMatch(/\n {2}MISSING: 18 cases \([^\n]*\)\n\n {2}The server died in 1\.2\.1, and [^\n]*\.\n\nFailed: /);
  expect((out + err).match(/The server died in/g)).toHaveLength(1);
  expect(out + err).not.toContain('ECONNREFUSED');
});

const CLIENT = `
  const { WebSocket } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  const run = (path) => new Promise((resolve) => {
    const socket = new WebSocket(process.env.WSIMD_URL + path);
    socket.on('message', (data, binary) => { socket.send(data, { binary }); resolve(String(data)); });
    socket.on('error', () => {});
    socket.on('close', resolve);
  });
  (async () => {
    const count = Number(await run('/getCaseCount'));
    for (let at = 1; at <= count; at++) {
      const socket = new WebSocket(process.env.WSIMD_URL + '/runCase?agent=mine&case=' + at);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      await new Promise((resolve) => socket.on('close', resolve));
    }
    process.exit(Number(process.argv[1]));
  })();
`;

test('a command starts the client, and the run is over when it ends', async () => {
  const args = ['client', '--port', '0', '--cases', '2.1,2.7'];
  const { status, out } = await runWith(args, ['--', process.execPath, '-e', CLIENT, '0']);
  expect(status).toBe(0);
  expect(out).toContain('Passed: 2 cases.');
  const bad = await runWith(args, ['--', process.execPath, '-e', 'process.exit(3)']);
  expect(bad).toMatchObject({ status: 1, out: expect.stringContaining('Nobody came to be examined.') });
  expect(bad.err).toBe('The client ended (status 3). It said: nothing\n');
});

test('a narrow terminal gets a summary that fits', async () => {
  const args = ['server', await droppingServer(), '--cases', '1.1.1,2.7', '--agent', 'dropper'];
  const { out } = await run(args, 40);
  const [summary] = out.split('Report:');
  expect(summary.split('\n').filter((line) => line.length > 40)).toEqual([]);
  expect(summary).toMatch(
    /^dropper\n {3}1 {2}Framing: 1 FAILED\n {3}2 {2}Pings and pongs: 1 FAILED\n {6}all: 2 FAILED\n/,
  );
  expect(out).toMatch(/\n\nFailed: 2 of 2 cases\.\nReport:\s/);
});

test('a terminal gets a progress line, which is gone at the end', async () => {
  const { err } = await run(['server', await echoServer(), '--cases', '2.7'], 40);
  expect(err).toBe('\r\u001b[K1 of 1  ws  2.7  0 s\r\u001b[K');
});

test('a run that is ended early reports what there is, and fails for the cases that are missing', async () => {
  const controller = new AbortController();
  // The line comes once a second too, before the first result.
  const terminal = recorder(80, (text) => text.includes('\u001b[K1 of 11 ') && controller.abort());
  const args = ['server', await echoServer(), '--jobs', '1', '--cases', '2.*', '--out', join(directory, 'report')];
  expect(await conformance(args, terminal, controller.signal)).toBe(1);
  expect(terminal.said.out).toMatch(
    /\n {2}MISSING: \d+ cases \([^\n]*\)\n\n {2}The run was interrupted\.\n\nFailed: \d+ cases have no result\.\n/,
  );
  expect(Object.keys(index().ws).length).toBeLessThan(11);
});

test.each([
  ['a run', [], false],
  ['a search', ['--fuzz', '60'], false],
  ['a search within a stream', ['--fuzz', '60'], true],
])('%s ends at once when it is interrupted while the server is silent', async (_, words, opens) => {
  const controller = new AbortController();
  const ended: Promise<unknown>[] = [];
  const server = createServer((socket) => {
    const isFirst = ended.length === 0;
    ended.push(once(socket, 'close'));
    socket.on('error', () => undefined);
    socket.once('data', (request) => {
      if (!opens) return controller.abort();
      socket.write(responseHead(String(request)));
      socket.once('data', () => (isFirst ? socket.end() : controller.abort()));
    });
  });
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const terminal = recorder();
  const out = join(directory, 'report');
  // A server has 5 s times 1000 for its answers.
  const args = ['server', url, ...words, '--timeout-scale', '1000', '--out', out];
  const status = conformance(args, terminal, controller.signal);
  if (words.length > 0) await expect(status).rejects.toThrow('No stream was played.');
  else {
    expect(await status).toBe(1);
    expect(terminal.said.out).toContain('\n\n  The run was interrupted.\n\nFailed: ');
  }
  await Promise.all(ended);
});

test('a search ends although the client died of a stream, or is interrupted, and tells of this stream', async () => {
  const fuzz = async (seconds: string, isInterrupted: boolean): Promise<Run> => {
    const controller = new AbortController();
    const terminal = recorder();
    const args = ['client', '--port', '0', '--fuzz', seconds, '--seed', '7', '--timeout-scale', '0.05'];
    const status = conformance([...args, '--out', join(directory, 'report')], terminal, controller.signal);
    await expect.poll(() => terminal.said.out).toContain('Listening on ');
    const [, url] = /^Listening on (\S+) /.exec(terminal.said.out)!;
    const client = new WebSocket(`${url}/runCase?case=1&agent=mine`);
    client.on('message', () => client.terminate());
    await once(client, 'close');
    // The answer comes when the examiner has judged the stream.
    await lastMessage(`${url}/getCaseStatus?case=1&agent=mine`);
    if (isInterrupted) controller.abort();
    return { status: await status, ...terminal.said };
  };
  for (const { status, out } of [await fuzz('1', false), await fuzz('1000', true)]) {
    expect(status).toBe(1);
    expect(out).toContain('\nStream 0 is treated wrongly.');
  }
});

/** A server that dies of the second connection, and does not start again. */
const MORTAL = `
  const { existsSync, writeFileSync } = require('node:fs');
  const [port, file] = process.argv.slice(1);
  if (existsSync(file)) {
    console.log('no');
    process.exit(3);
  }
  writeFileSync(file, '');
  const { WebSocketServer } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  let count = 0;
  new WebSocketServer({ port: Number(port), host: '127.0.0.1' }).on('connection', () => ++count === 2 && process.exit(7));
`;

test('a search that killed a server tells why it was not started again', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  const command = ['--', process.execPath, '-e', MORTAL, String(port), join(directory, 'started')];
  const { status, out, err } = await runWith(['server', `ws://127.0.0.1:${port}`, '--fuzz', '60'], command);
  expect(status).toBe(1);
  expect(out).toContain('\nStream 0 is treated wrongly.');
  expect(err).toBe(
    'The server died, and was not started again. The testee ended (status 3) before it listened. It said: no\n',
  );
});

test('a search that is interrupted in the handshake after a stream blames no stream', async () => {
  const controller = new AbortController();
  const tls = createTlsServer({ cert: CERTIFICATE, key: KEY }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (request) => {
      socket.write(responseHead(String(request)));
      socket.once('data', () => socket.destroy());
    });
  });
  let count = 0;
  // The third connection gets no TLS, and is interrupted.
  const server = createServer((socket) => {
    if (++count < 3) return void tls.emit('connection', socket);
    controller.abort();
    socket.destroy();
  });
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `wss://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = { url, tls: { insecure: true }, seconds: 60, seed: 7, signal: controller.signal };
  const { found } = await fuzzServer(run);
  expect([count, found]).toEqual([3, null]);
});

/** Plays the first stream, and fails; the third process does not. */
const FAILING = `
  const { appendFileSync, readFileSync } = require('node:fs');
  const { WebSocket } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  appendFileSync(process.argv[1], '.');
  const count = readFileSync(process.argv[1]).length;
  const socket = new WebSocket(process.env.WSIMD_URL + '/runCase?agent=mine&case=1');
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('error', () => {});
  socket.on('close', () => process.exit(count < 3 ? 7 : 0));
`;

test('a client that dies again in a search is started again, whichever stream it asks for', async () => {
  const file = join(directory, 'starts');
  const command = ['--', process.execPath, '-e', FAILING, file];
  const { err } = await runWith(['client', '--port', '0', '--fuzz', '60', '--seed', '7'], command);
  expect(readFileSync(file, 'utf8')).toBe('...');
  expect(err).toBe('The client ended (status 7) and is started again.\n'.repeat(2));
});

test('a server that does not listen within a minute is ended, and told', async () => {
  const file = join(directory, 'pid');
  const program =
    "require('node:fs').writeFileSync(process.argv[1], process.pid + '.'); setTimeout(() => {}, 600_000);";
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const status = runWith(
    ['server', 'ws://127.0.0.1:1', '--cases', '2.1'],
    ['--', process.execPath, '-e', program, file],
  );
  const failure = expect(status).rejects.toThrow('The testee did not listen on 127.0.0.1:1 in 60 seconds.');
  await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8'), { timeout: 10_000 }).toMatch(/\.$/);
  vi.advanceTimersByTime(60_000);
  await failure;
  expect(() => process.kill(Number.parseInt(readFileSync(file, 'utf8'), 10), 0)).toThrow('ESRCH');
});

test('a client that drives itself by the classic paths is examined, and its report written when it asks', async () => {
  const controller = new AbortController();
  let listening: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const terminal = recorder(undefined, (text) => {
    const said = /^Listening on (\S+) for clients, with 11 cases/.exec(text);
    if (said !== null) listening(said[1]);
  });
  const args = ['client', '--port', '0', '--cases', '2.*', '--out', join(directory, 'report')];
  const status = conformance(args, terminal, controller.signal);
  await Promise.race([driveClient(await url, 'mine'), status]);
  expect(Object.keys(index().mine)).toHaveLength(11);
  controller.abort();
  expect(await status).toBe(0);
  expect(terminal.said.out).toMatch(/\nmine +OK\n.*\n +all +11\n\nPassed: 11 cases\.\n/);
});

/** Does what the clients do that were written for the classic suite. */
async function driveClient(url: string, agent: string): Promise<void> {
  const count = Number(await lastMessage(`${url}/getCaseCount`));
  for (let at = 1; at <= count; at++) await lastMessage(`${url}/runCase?case=${at}&agent=${agent}`);
  await lastMessage(`${url}/updateReports?agent=${agent}`);
}

/** Echoes until the connection is closed; resolves with the last message. */
function lastMessage(url: string): Promise<string> {
  return new Promise((resolve) => {
    let last = '';
    const socket = new WebSocket(url);
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, binary) => {
      last = data.toString();
      socket.send(data, { binary });
    });
    socket.on('close', () => resolve(last));
  });
}

test('a client run that is ended within a case reports the cases before it, and that the others are missing', async () => {
  const controller = new AbortController();
  const terminal = recorder();
  const args = ['client', '--port', '0', '--cases', '1.1.1,1.2.1', '--out', join(directory, 'report')];
  const status = conformance(args, terminal, controller.signal);
  await expect.poll(() => terminal.said.out).toContain('Listening on ');
  const [, url] = /^Listening on (\S+) /.exec(terminal.said.out)!;
  await lastMessage(`${url}/runCase?case=1&agent=mine`);
  const socket = new WebSocket(`${url}/runCase?case=2&agent=mine`);
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'open');
  controller.abort();
  const [ended, [code]] = await Promise.all([status, closed]);
  expect([ended, code]).toEqual([1, 1006]);
  expect(terminal.said.out).toContain('\n  MISSING: 1 case (1.2.*)\n\nFailed: 1 case has no result.\n');
  expect(Object.keys(index().mine)).toEqual(['1.1.1']);
});

/** Does the first case, and of the second only the opening handshake; then it writes its process id to a file. */
const STUCK_CLIENT = `
  const { WebSocket } = require(${JSON.stringify(createRequire(import.meta.url).resolve('ws'))});
  const first = new WebSocket(process.env.WSIMD_URL + '/runCase?agent=mine&case=1');
  first.on('message', (data, binary) => first.send(data, { binary }));
  first.on('close', () => {
    const second = new WebSocket(process.env.WSIMD_URL + '/runCase?agent=mine&case=2');
    second.on('open', () => require('node:fs').writeFileSync(process.argv[1], process.pid + '.'));
    second.on('error', () => {});
    setTimeout(() => {}, 60_000);
  });
`;

test('a client that a command started ends with the run, and is not started again', async () => {
  const controller = new AbortController();
  const terminal = recorder();
  const file = join(directory, 'pid');
  const args = ['client', '--port', '0', '--cases', '1.1.1,1.2.1', '--out', join(directory, 'report')];
  const status = conformance([...args, '--', process.execPath, '-e', STUCK_CLIENT, file], terminal, controller.signal);
  await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8'), { timeout: 10_000 }).toMatch(/\.$/);
  controller.abort();
  expect(await status).toBe(1);
  expect(() => process.kill(Number.parseInt(readFileSync(file, 'utf8'), 10), 0)).toThrow('ESRCH');
  expect(terminal.said).toMatchObject({ err: '', out: expect.stringContaining('MISSING: 1 case (1.2.*)') });
});

test('a client run in which nobody came has failed', async () => {
  const controller = new AbortController();
  const terminal = recorder(undefined, () => controller.abort());
  const args = ['client', '--port', '0', '--cases', '2.7', '--out', join(directory, 'report')];
  expect(await conformance(args, terminal, controller.signal)).toBe(1);
});

test('--help explains the command', async () => {
  const { status, out } = await run(['--help']);
  expect(status).toBe(0);
  expect(out).toContain('--baseline FILE');
});

test.each([
  ['no role', []],
  ['an unknown role', ['proxy']],
  ['an unreachable server', ['server', 'ws://127.0.0.1:1']],
  ['an address where nobody listens', ['server', 'localhost:1']],
  ['a word that is no address', ['server', 'foo']],
  ['an unknown case', ['server', 'ws://127.0.0.1:1', '--cases', '99.1']],
  ['a pattern without a case', ['server', 'ws://127.0.0.1:1', '--cases', '99.*']],
  ['a bad option', ['server', 'ws://127.0.0.1:1', '--cheese']],
  ['a missing baseline', ['server', 'ws://127.0.0.1:1', '--baseline', 'none.json']],
  ['an address that is not ours', ['client', '--port', '0', '--host', '192.0.2.1']],
])('%s is refused with one sentence, and nothing is written', async (_, args) => {
  await expect(run(args)).rejects.toThrow(
    expect.objectContaining({ name: 'CommandError', message: expect.stringMatching(/^[^\n]+\.$/) }),
  );
  expect(readdirSync(directory)).toEqual([]);
});

test('a port in use is told, and what to do', async () => {
  const { port } = new URL(await echoServer());
  for (const more of [[], ['--fuzz', '1']]) {
    await expect(run(['client', '--port', port, ...more])).rejects.toThrow(
      `Cannot listen on 127.0.0.1, port ${port}: EADDRINUSE. Give --port another port; 0 is any free one.`,
    );
  }
});

test('a directory that cannot be written is refused before the run', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const refused = (...args: string[]): Promise<number> =>
    conformance(['server', 'ws://127.0.0.1:1', ...args], recorder(), new AbortController().signal);
  await expect(refused('--out', join(file, 'report'))).rejects.toThrow(/^The report cannot be written to [^\n]*\.$/);
  await expect(refused('--out', directory, '--junit', directory)).rejects.toThrow('The JUnit file cannot be written');
});

test('a baseline without an agent is refused before the run', async () => {
  const file = join(directory, 'empty.json');
  writeFileSync(file, '{}');
  await expect(run(['server', 'ws://127.0.0.1:1', '--baseline', file])).rejects.toThrow(
    /^The baseline .*empty\.json is no index\.json: it names no agent\.$/,
  );
});

test('certificates that are none are refused with one sentence', async () => {
  const pem = join(directory, 'a.pem');
  writeFileSync(pem, 'nonsense');
  const args = ['client', '--port', '0', '--cert', pem, '--key', pem];
  await expect(run(args)).rejects.toThrow(/^The certificate or its key cannot be used: [^\n]*\.$/);
});

test('cases are listed, explained and written as scripts without a run', async () => {
  const words = (args: string[]): Promise<{ status: number; out: string }> => {
    const terminal = recorder();
    return conformance(args, terminal, new AbortController().signal).then((status) => ({ status, ...terminal.said }));
  };
  expect((await words(['server', '--list', '--cases', '2.*,S.3.1'])).out).toMatch(
    /^2\.1 {5} Sends a ping[^]*\nS\.3\.1 {3} Sends/,
  );
  expect((await words(['client', '--case', '5.9', '--explain'])).out).toContain(
    'Judged as the classic suite judges it.',
  );
  const narrow = recorder(40);
  await conformance(['server', '--case', '5.9', '--explain'], narrow, new AbortController().signal);
  expect(narrow.said.out.split('\n').filter((line) => line.length > 40)).toEqual([]);
  const script = join(directory, 'case.mjs');
  expect((await words(['server', 'ws://localhost:9100/x', '--case', '5.9', '--script', script])).status).toBe(0);
  expect(readFileSync(script, 'utf8')).toContain("const [host = 'localhost', port = '9100'] = process.argv.slice(2);");
  const plain = join(directory, 'plain.mjs');
  expect((await words(['server', '9100', '--case', '5.9', '--script', plain])).status).toBe(0);
  expect(readFileSync(plain, 'utf8')).toContain("const [host = '127.0.0.1', port = '9100']");
  const asked = ['server', '9100', '--case', '5.9', '--script', plain];
  const fields = ['--protocol', 'mqtt', '--origin', 'http://a.b', '--header', 'X-Key: 1'];
  await words([...asked, ...fields]);
  const part = /bytes\('([^']+)'\)/.exec(readFileSync(plain, 'utf8'))![1];
  const request = String(inflateRawSync(Buffer.from(part, 'base64')));
  for (const field of ['Sec-WebSocket-Protocol: mqtt', 'Origin: http://a.b', 'X-Key: 1'])
    expect(request).toContain(`\r\n${field}\r\n`);
  await expect(words(['server', '--explain'])).rejects.toThrow('Say which case');
  for (const [args, reason] of [
    [[...asked, '--jobs', '1'], '--jobs does not go with --script.'],
    [['server', '--list', '--case', '5.9'], '--case does not go with --list.'],
    [['client', '--case', '5.9', '--explain', '--spec', 'x'], '--spec does not go with --explain.'],
    [['server', '--case', '5.9', '--jobs', '1'], '--case goes with --explain or --script; to run it, use --cases.'],
  ] as const)
    await expect(words([...args])).rejects.toThrow(reason);
  await expect(words(['server', '--case', '5.9'])).rejects.toThrow('--case goes with --explain or --script');
});
