// Servers that die, that hang and that serve few at a time: what the suite says of them, and that no verdict hangs on `jobs`.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { expect, test } from 'vitest';
import { runServerCases, ServerDiedError, type CaseResult, type ServerRun } from '../../src/conformance/index.js';
import { responseHead } from '../support/raw-peer.js';
import { oddServer } from './support/odd-peer.js';
import { wsServer } from './support/peers.js';

interface Mortal {
  url: string;
  /** How often it was started. */
  starts: number;
  start: () => Promise<void>;
  stop: () => void;
}

/**
 * An echo server of ws that ends, with all its connections, at a request that is its death, or as soon as one ends; it answers
 * 503 to connections beyond `most`.
 */
async function mortalServer(
  isDeath: (request: IncomingMessage) => boolean,
  { servesOnce = false, most = Infinity } = {},
): Promise<Mortal> {
  const sockets = new Set<Duplex>();
  let server: Server;
  let port = 0;
  const stop = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const echo = new WebSocketServer({ noServer: true });
  echo.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const mortal: Mortal = {
    url: '',
    starts: 0,
    stop,
    start: async () => {
      mortal.starts++;
      server = createServer();
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.once('close', () => {
          sockets.delete(socket);
          if (servesOnce) stop();
        });
        socket.on('error', () => undefined);
      });
      server.on('upgrade', (request, socket, head) => {
        if (sockets.size > most) socket.end('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        else if (isDeath(request)) stop();
        else echo.handleUpgrade(request, socket, head, (websocket) => echo.emit('connection', websocket));
      });
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      ({ port } = server.address() as AddressInfo);
    },
  };
  await mortal.start();
  mortal.url = `ws://127.0.0.1:${port}`;
  return mortal;
}

/** The results of a run, and the error with which it ended. */
async function outcome(run: ServerRun): Promise<{ results: Map<string, CaseResult>; error: unknown }> {
  const results = new Map<string, CaseResult>();
  try {
    for await (const result of runServerCases(run)) results.set(result.id, result);
    return { results, error: null };
  } catch (error) {
    return { results, error };
  }
}

/** Both verdicts of each case, in the order of ids. */
function pairs(results: Map<string, CaseResult>): [string, string][] {
  return [...results.values()]
    .map(({ id, behavior, behaviorClose }): [string, string] => [id, `${behavior} ${behaviorClose}`])
    .sort(([one], [other]) => one.localeCompare(other));
}

const REFUSALS = ['H.2.1', 'H.2.2', 'H.2.3', 'H.2.4', 'H.2.5', '3.1', '7.3.2'];

test.each([1, 8])('a listener that vanishes after the first look passes nothing (%i jobs)', async (jobs) => {
  let requests = 0;
  const server = await mortalServer(() => ++requests > 1);
  const { results, error } = await outcome({ url: server.url, cases: REFUSALS, jobs });
  expect([...results.values()].filter(({ behavior }) => behavior !== 'FAILED')).toEqual([]);
  expect(error).toBeInstanceOf(ServerDiedError);
  expect((error as Error).message).toMatch(/^The server died .*no command to start it again\.$/);
});

const diesOfSubprotocol = ({ headers }: IncomingMessage): boolean =>
  headers['sec-websocket-protocol']?.includes('"c"') === true;
const AROUND = ['H.2.20', 'H.2.21', 'H.2.24', 'H.2.25', 'H.2.26', '1.1.1'];

test.each([Infinity, 1])('a server that dies of a case fails it, and the run ends there (%d served)', async (most) => {
  const server = await mortalServer(diesOfSubprotocol, { most });
  const { results, error } = await outcome({ url: server.url, cases: AROUND, jobs: 1 });
  expect(results.get('1.1.1')).toMatchObject({ behavior: 'OK' });
  expect(results.get('H.2.24')).toMatchObject({
    behavior: 'FAILED',
    result: expect.stringContaining('The server died of this case'),
  });
  expect(results.has('H.2.25')).toBe(false);
  expect((error as Error).message).toBe('The server died in H.2.24, and there is no command to start it again.');
});

test.each([
  [1, Infinity],
  [8, Infinity],
  [8, 1],
])('a server that can be started again is blamed for that case alone (%i jobs, %d served)', async (jobs, most) => {
  const server = await mortalServer(diesOfSubprotocol, { most });
  const notes: string[] = [];
  const { results, error } = await outcome({
    url: server.url,
    cases: AROUND,
    jobs,
    restart: server.start,
    onNote: (note) => notes.push(note),
  });
  server.stop();
  expect(error).toBeNull();
  expect(results.size).toBe(AROUND.length);
  expect([...results.values()].filter(({ result }) => result.includes('died')).map(({ id }) => id)).toEqual(['H.2.24']);
  expect(notes.at(-1)).toBe('The server died in H.2.24 and was started again.');
});

test('a server that dies when a case is over, cleanly, has not passed it', async () => {
  const server = await mortalServer(() => false);
  const ends = await mortalServer(() => false);
  server.stop();
  let count = 0;
  const { results, error } = await outcome({
    url: ends.url,
    cases: ['1.1.1', '1.1.2', '1.1.3'],
    jobs: 1,
    onCase: (_, begun) => {
      if (!begun && ++count === 2) ends.stop();
    },
  });
  expect([...results.values()].map(({ id, behavior }) => `${id} ${behavior}`)).toEqual(['1.1.1 OK', '1.1.2 FAILED']);
  expect((error as Error).message).toMatch(/^The server died in 1\.1\.2/);
});

test('a server that cannot be started again leaves the results before it', async () => {
  const server = await mortalServer(diesOfSubprotocol);
  const restart = (): Promise<void> => Promise.reject(new Error('Its port is in use.'));
  const { results, error } = await outcome({ url: server.url, cases: AROUND, jobs: 1, restart });
  expect(results.get('1.1.1')).toMatchObject({ behavior: 'OK' });
  expect(results.get('H.2.24')!.result).toContain('The server died of this case');
  expect(error).toBeInstanceOf(ServerDiedError);
  expect((error as Error).message).toBe('The server died in H.2.24, and was not started again. Its port is in use.');
});

test('a server that ends with its first connection is not started without end', async () => {
  const server = await mortalServer(() => false, { servesOnce: true });
  const { results, error } = await outcome({ url: server.url, cases: ['1.1.1'], restart: server.start });
  server.stop();
  expect(results.size).toBe(0);
  expect((error as Error).message).toBe('The server died before 1.1.1, and so it does each time it is started.');
  expect(server.starts).toBe(3);
});

test('a refusal of what has to be refused says nothing where all is refused', async () => {
  const server = createServer((_, response) => response.writeHead(403, { connection: 'close' }).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { results } = await outcome({ url, cases: ['D.5.1', 'D.6.1', 'H.1.12', 'H.2.1', 'H.2.13'] });
  server.close();
  expect(pairs(results)).toEqual([
    ['D.5.1', 'FAILED OK'],
    ['D.6.1', 'FAILED OK'],
    ['H.1.12', 'FAILED OK'],
    ['H.2.1', 'FAILED OK'],
    ['H.2.13', 'FAILED OK'],
  ]);
  expect(results.get('H.2.1')!.result).toContain('A good handshake is refused too');
});

/** A server in front of another, which serves one connection at a time; the others wait, unless it refuses them. */
async function gate(inner: { url: string; stop: () => void }, refuses = false): Promise<typeof inner> {
  const waiting: (() => void)[] = [];
  let open = 0;
  const { createServer: listen, connect } = await import('node:net');
  const next = (): void => {
    while (waiting.length > 0 && open < 1) {
      open++;
      waiting.shift()!();
    }
  };
  const server = listen((socket) => {
    socket.on('error', () => undefined);
    if (refuses && open > 0) {
      socket.destroy();
      return;
    }
    waiting.push(() => {
      const through = connect(Number(new URL(inner.url).port), '127.0.0.1');
      through.on('error', () => socket.destroy());
      socket.pipe(through).pipe(socket);
      socket.on('close', () => through.destroy());
      through.once('close', () => {
        open--;
        socket.destroy();
        next();
      });
      if (socket.destroyed) through.destroy();
    });
    next();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close();
      inner.stop();
    },
  };
}

test('a server that serves one connection at a time has the same verdicts with 8 jobs as with 1', async () => {
  const server = await gate(await wsServer({}));
  const cases = ['1.1.*', '2.1', '3.1', '6.4.1', '7.3.2', 'H.2.1'];
  const notes: string[] = [];
  const many = await outcome({ url: server.url, cases, jobs: 8, onNote: (note) => notes.push(note) });
  const one = await outcome({ url: server.url, cases, jobs: 1 });
  server.stop();
  expect(pairs(many.results)).toEqual(pairs(one.results));
  expect(many.error).toBeNull();
  expect(notes).toEqual(['The server serves 1 connection at a time: no more cases run side by side.']);
});

test.each([
  ['lets others wait', false, ''],
  ['refuses others', true, ' A refused case is played again.'],
])('a fault that shows once counts, where a server with one connection at a time %s', async (_, refuses, more) => {
  const inner = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  let messages = 0;
  inner.on('connection', (socket) =>
    socket.on('message', (data, binary) => {
      if (messages++ === 0) socket.terminate();
      else socket.send(data, { binary });
    }),
  );
  await new Promise((resolve) => inner.once('listening', resolve));
  const url = `ws://127.0.0.1:${(inner.address() as AddressInfo).port}`;
  const server = await gate({ url, stop: () => inner.close() }, refuses);
  const notes: string[] = [];
  const onNote = (note: string): void => void notes.push(note);
  const { results } = await outcome({ url: server.url, cases: ['1.1.2', '1.1.3'], jobs: 2, onNote });
  server.stop();
  expect(pairs(results)).toEqual([
    ['1.1.2', 'FAILED FAILED'],
    ['1.1.3', 'OK OK'],
  ]);
  expect(notes).toEqual([`The server serves 1 connection at a time: no more cases run side by side.${more}`]);
});

/** A server that answers nothing where it has more than one connection. */
async function shyServer(): Promise<{ url: string; stop: () => void }> {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, binary) => {
      if (sockets.clients.size === 1) socket.send(data, { binary });
    }),
  );
  await new Promise((resolve) => sockets.once('listening', resolve));
  return { url: `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`, stop: () => sockets.close() };
}

test('a case that fails only beside others is judged again alone', async () => {
  const server = await shyServer();
  const { results } = await outcome({ url: server.url, cases: ['1.1.*'], jobs: 8, timeoutScale: 0.3 });
  server.stop();
  expect(new Set([...results.values()].map(({ behavior }) => behavior))).toEqual(new Set(['OK']));
});

test('a case that has passed alone does not fail by what it showed beside others when the run ends', async () => {
  const server = await shyServer();
  const controller = new AbortController();
  let begun = 0;
  // The fourth case to begin is the second that runs again.
  const onCase = (_: string, begins: boolean): void => void (begins && ++begun === 4 && controller.abort());
  const run = { url: server.url, cases: ['1.1.1', '1.1.2'], jobs: 2, timeoutScale: 0.3, onCase };
  const { results } = await outcome({ ...run, signal: controller.signal });
  server.stop();
  expect(pairs(results).map(([id, [verdict]]) => `${id} ${verdict}`)).toEqual(['1.1.2 F']);
});

test('a server that refuses valid handshakes for a moment is not taken for dead', async () => {
  let busy = 0;
  const server = await oddServer({ drops: true, isBusy: () => busy-- > 0 });
  const onCase = (_: string, begun: boolean): void => void (busy = begun ? 0 : 2);
  const { results, error } = await outcome({ url: server.url, cases: ['3.1', 'H.2.3'], jobs: 1, onCase });
  server.stop();
  expect(error).toBeNull();
  expect(pairs(results)).toEqual([
    ['3.1', 'OK OK'],
    ['H.2.3', 'FAILED OK'],
  ]);
});

test('a server that refuses a case only because it is busy has not passed it', async () => {
  let running = 0;
  const server = await oddServer({ isBusy: () => running > 1 });
  const cases = ['H.2.1', 'H.2.2', 'H.2.3', 'H.2.4'];
  const onCase = (_: string, begun: boolean): void => void (running += begun ? 1 : -1);
  const { results } = await outcome({ url: server.url, cases, jobs: 4, onCase });
  server.stop();
  expect(pairs(results)).toEqual(cases.map((id) => [id, 'FAILED OK']));
});

test.each(['the server dies', 'the run is interrupted'])(
  'nor has it when %s before the case runs again alone',
  async (how) => {
    let running = 0;
    let begun = 0;
    const server = await oddServer({ isBusy: () => running > 1 });
    const controller = new AbortController();
    const cases = ['H.2.1', 'H.2.2', 'H.2.3', 'H.2.4'];
    const onCase = (_: string, begins: boolean): void => {
      running += begins ? 1 : -1;
      if (!begins || ++begun !== 5) return;
      if (how === 'the server dies') server.stop();
      else controller.abort();
    };
    const { results, error } = await outcome({ url: server.url, cases, jobs: 4, onCase, signal: controller.signal });
    server.stop();
    expect(error).not.toBeNull();
    // The last case to begin is alone by then, and fails.
    expect(pairs(results).filter(([, verdicts]) => verdicts !== 'FAILED OK')).toEqual([]);
  },
);

test.each([1, 2])('one connection at a time, whose end is noticed late, changes no verdict (%i jobs)', async (jobs) => {
  let until = 0;
  let requests = 0;
  // The third request is the second of two at once.
  const server = await oddServer({ isBusy: () => ++requests === 3 || performance.now() < until });
  const onCase = (_: string, begun: boolean): void => void (begun || (until = performance.now() + 300));
  const cases = ['1.1.1', '1.2.1', 'H.2.1'];
  const { results } = await outcome({ url: server.url, cases, jobs, onCase });
  server.stop();
  expect(pairs(results)).toEqual([
    ['1.1.1', 'OK OK'],
    ['1.2.1', 'OK OK'],
    ['H.2.1', 'FAILED OK'],
  ]);
});

test('a server that dies before cases run again alone leaves what they showed beside others', async () => {
  let begun = 0;
  // It dies when the fifth case begins.
  const server = await oddServer({ twice: true });
  const onCase = (_: string, begins: boolean): void => {
    if (begins && ++begun === 5) server.stop();
  };
  const cases = ['1.1.1', '1.1.2', '1.1.3', '1.1.4', '7.1.1'];
  const { results, error } = await outcome({ url: server.url, cases, jobs: 2, onCase });
  expect(String(error)).toMatch(/The server died/);
  const [{ behavior, result }] = results.values();
  expect([results.size >= 3, behavior, result]).toEqual([
    true,
    'FAILED',
    'Actual events differ from any expected. It was not run again alone.',
  ]);
});

test('a server that reads nothing does not keep the run waiting', async () => {
  const { createServer: listen } = await import('node:net');
  const server = listen((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (request) => socket.pause().write(responseHead(String(request))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { results } = await outcome({ url, cases: ['9.1.6'], timeoutScale: 0.02 });
  server.close();
  expect(pairs(results)).toEqual([['9.1.6', 'FAILED UNCLEAN']]);
});
