/** A send is in the stream, or behaves as if it were, before the application, its tools or the peer can look. */
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { expect, it, onTestFinished, vi } from 'vitest';
import { encodeFrame, responseHead, type RawPeer } from '../../support/raw-peer.js';
import {
  answering,
  contract,
  duplexPair,
  event,
  listen,
  listenHttp,
  messages,
  ownedServer,
  pair,
  rawClient,
  rawRequest,
  turn,
} from './harness.js';
import type { Client, Implementation } from './implementations.js';

const BURST = 20;

async function texts(peer: RawPeer, count: number): Promise<string[]> {
  const list: string[] = [];
  while (list.length < count) list.push((await peer.readFrame()).payload.toString());
  return list;
}

const range = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
const frames = (payloads: readonly string[], masked = true): Buffer =>
  Buffer.concat(payloads.map((payload) => encodeFrame({ payload, masked })));

type Source = 'upgrade' | 'request' | 'connection' | 'wrapped';

/** A server's socket whose stream the application has got hold of in one of the ways that pass the WebSocket by. */
async function exposed(
  implementation: Implementation,
  source: Source,
): Promise<{ ws: Client; raw: Duplex; peer: RawPeer }> {
  const { server, port } = await listenHttp();
  const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
  let raw: Duplex;
  if (source === 'connection') server.on('connection', (socket) => (raw = socket));
  const opened = new Promise<Client>((resolve) => {
    server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
      if (source === 'request') raw = request.socket;
      if (source === 'upgrade') raw = socket;
      if (source === 'wrapped') socket = raw = wrap(socket);
      wss.handleUpgrade(request, socket, head, resolve);
    });
  });
  const peer = rawRequest(port);
  const ws = await opened;
  await peer.readHead();
  return { ws, raw: raw!, peer };
}

/** Whether a context that is entered in a callback of a resource is that of its later callbacks, as up to Node 22. */
function keepsContexts(): boolean {
  const storage = new AsyncLocalStorage<boolean>();
  const resource = new AsyncResource('probe');
  resource.runInAsyncScope(() => storage.enterWith(true));
  return resource.runInAsyncScope(() => storage.getStore() === true);
}

/** A Duplex of the application's own around a socket. */
function wrap(socket: Duplex): Duplex {
  const wrapped = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, callback) => void socket.write(chunk, callback),
    final: (callback) => void socket.end(callback),
    destroy(error, callback) {
      socket.destroy();
      callback(error);
    },
  });
  socket.on('data', (chunk) => wrapped.push(chunk) || socket.pause());
  socket.on('end', () => wrapped.push(null));
  return wrapped;
}

/** Runs a program in a child of plain Node, with a client connected to a raw server that has sent one question. */
async function child(
  implementation: Implementation,
  body: string,
  {
    question = encodeFrame({ payload: 'question' }),
    before = '',
    loaded = '',
    flags = [],
    stderr = 'inherit',
  }: { question?: Uint8Array; before?: string; loaded?: string; flags?: string[]; stderr?: 'inherit' | 'ignore' } = {},
): Promise<{ peer: RawPeer; marks: string[]; exit: Promise<NodeJS.Signals | null> }> {
  const server = await answering(({ peer, request }) => {
    peer.write(Buffer.concat([Buffer.from(responseHead(request)), question]));
  });
  const module = await implementation.childModule();
  const program = `
    import { writeSync } from 'node:fs';
    const block = (ms) => { const end = process.hrtime.bigint() + BigInt(ms * 1e6); while (process.hrtime.bigint() < end); };
    const mark = (text) => writeSync(1, text + '\\n');
    ${before}
    const { WebSocket } = await import(${JSON.stringify(module)});
    ${loaded}
    const ws = new WebSocket(${JSON.stringify(server.url)});
    ws.on('error', () => {});
    ws.on('open', () => { ${body} });
  `;
  const process_ = spawn(process.execPath, [...flags, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', stderr],
  });
  const exit = once(process_, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  onTestFinished(() => void process_.kill('SIGKILL'));
  const marks: string[] = [];
  process_.stdout.on('data', (chunk: Buffer) => marks.push(...chunk.toString().trim().split('\n')));
  const { peer } = await server.first;
  return { peer, marks, exit };
}

contract('a send is in the stream', (implementation) => {
  const sources: Source[] = ['upgrade', 'request', 'connection', 'wrapped'];
  for (const source of sources) {
    it.each(['end', 'destroySoon'] as const)(
      `before %s() of the socket from '${source}', in the tick`,
      async (name) => {
        const { ws, raw, peer } = await exposed(implementation, source);
        const sent = range(BURST);
        for (const text of sent) ws.send(text);
        const socket = raw as Duplex & { destroySoon?: () => void };
        if (name === 'destroySoon' && socket.destroySoon !== undefined) socket.destroySoon();
        else socket.end();
        expect((await peer.readFramesToEnd()).map(({ payload }) => payload.toString())).toEqual(sent);
      },
    );

    it(`before end() of the socket from '${source}', in the next tick, close code and all`, async () => {
      const { ws, raw, peer } = await exposed(implementation, source);
      ws.send('bye');
      ws.close(4001);
      process.nextTick(() => raw.end());
      const [bye, close] = await peer.readFramesToEnd();
      expect(bye.payload.toString()).toBe('bye');
      expect(close.payload.readUInt16BE()).toBe(4001);
    });

    it(`before write() to the socket from '${source}', and after it`, async () => {
      const { ws, raw, peer } = await exposed(implementation, source);
      const sent = range(3 * BURST);
      for (const text of sent.slice(0, BURST)) ws.send(text);
      raw.write(frames(sent.slice(BURST, BURST + 1), false));
      for (const text of sent.slice(BURST + 1, 2 * BURST)) ws.send(text);
      raw.write(frames(sent.slice(2 * BURST, 2 * BURST + 2), false));
      for (const text of sent.slice(2 * BURST + 2)) ws.send(text);
      expect(await texts(peer, sent.length)).toEqual(sent);
    });
  }

  it('before end() of the socket, within the dispatch of many messages', async () => {
    const { ws, raw, peer } = await exposed(implementation, 'request');
    let count = 0;
    ws.on('message', (data: Buffer) => {
      ws.send(data);
      if (++count === BURST) raw.end();
    });
    peer.write(frames(range(2 * BURST)));
    expect((await peer.readFramesToEnd()).map(({ payload }) => payload.toString()).slice(0, BURST)).toEqual(
      range(BURST),
    );
  });

  it('before a stream that is piped into the socket', async () => {
    const { ws, raw, peer } = await exposed(implementation, 'request');
    const sent = range(BURST);
    for (const text of sent) ws.send(text);
    Readable.from([frames(['piped'], false)]).pipe(raw, { end: false });
    expect(await texts(peer, BURST + 1)).toEqual([...sent, 'piped']);
  });

  it('before the process blocks: each of three sends arrives while the work after it goes on', async () => {
    const { peer, marks } = await child(
      implementation,
      `ws.on('message', () => { for (const i of [1, 2, 3]) { ws.send('sent ' + i); block(300); mark('worked ' + i); } });`,
    );
    const seen: string[] = [];
    for (const i of [1, 2, 3]) {
      expect((await peer.readFrame()).payload.toString()).toBe(`sent ${i}`);
      seen.push(...marks.filter((mark) => mark === `worked ${i}`));
    }
    expect(seen).toEqual([]);
  });

  it('before the process blocks outside of a message, send after send', async () => {
    const { peer, marks } = await child(
      implementation,
      `setTimeout(() => { for (let i = 1; i <= 8; i++) { ws.send('sent ' + i); block(100); mark('worked ' + i); } }, 1);`,
    );
    const seen: string[] = [];
    for (let i = 1; i <= 8; i++) {
      expect((await peer.readFrame()).payload.toString()).toBe(`sent ${i}`);
      seen.push(...marks.filter((mark) => mark === `worked ${i}`));
    }
    expect(seen).toEqual([]);
  });

  it.each([
    ['kills itself', `process.kill(process.pid, 'SIGKILL')`],
    ['aborts', `process.abort()`],
    ['calls process.reallyExit', `process.reallyExit(1)`],
  ])('before the process %s', async (_name, end) => {
    const { peer } = await child(implementation, `ws.on('message', () => { ws.send('last words'); ${end}; });`);
    expect((await peer.readFrame()).payload.toString()).toBe('last words');
  });

  it('before the process dies of memory, each of the first three sends', async () => {
    const { peer, exit } = await child(
      implementation,
      `ws.on('message', () => {
         for (const i of [1, 2, 3]) ws.send('last words ' + i);
         for (const all = [];;) all.push(new Array(1e5).fill(all.length));
       });`,
      { flags: ['--max-old-space-size=40'], stderr: 'ignore' },
    );
    expect(await texts(peer, 3)).toEqual(['last words 1', 'last words 2', 'last words 3']);
    // Of its own accord, by V8's verdict.
    expect(await exit).toBe('SIGABRT');
  });

  it('soon: a slow handler of many requests that came at once answers the first before it has done the third', async () => {
    const { peer, marks } = await child(
      implementation,
      `ws.on('message', (data) => { block(40); ws.send('answer ' + data); mark(String(data)); });`,
      { question: frames(range(12), false) },
    );
    expect((await peer.readFrame()).payload.toString()).toBe('answer 0');
    expect(marks.length).toBeLessThan(3);
    await texts(peer, 11);
  });

  it('callbacks run in the asynchronous context of their own send, ping and close', async () => {
    const { client, peer } = await pair(implementation);
    const storage = new AsyncLocalStorage<string>();
    const told: (string | undefined)[] = [];
    const ends: Promise<void>[] = [];
    const tell = (resolve: () => void) => () => {
      told.push(storage.getStore());
      resolve();
    };
    const expected = range(BURST);
    for (const name of expected) {
      ends.push(
        new Promise((resolve) => {
          storage.run(name, () => {
            if (Number(name) % 5 === 4) peer.ping('', false, tell(resolve));
            else peer.send(name, tell(resolve));
          });
        }),
      );
    }
    await Promise.all(ends);
    expect(told).toEqual(expected);
    client.terminate();
  });

  it("messages, 'pong' and 'close' are told in the context of the client that connected, not of its sends, pings and close", async () => {
    const { url, server } = await listen(implementation);
    const storage = new AsyncLocalStorage<string>();
    server.on('connection', (ws: Client) => ws.on('message', (data: Buffer) => ws.send(data)));
    const ws = storage.run('connects', () => new implementation.WebSocket(url));
    const told: string[] = [];
    for (const name of ['open', 'message', 'pong', 'close']) {
      ws.on(name, () => told.push(`${name} ${storage.getStore()}`));
    }
    await event(ws, 'open');
    storage.run('sends', () => ws.send('x'));
    storage.run('pings', () => ws.ping());
    await event(ws, 'pong');
    storage.run('closes', () => ws.close());
    await event(ws, 'close');
    expect(told).toEqual(['open connects', 'message connects', 'pong connects', 'close connects']);
  });

  if (implementation.name === 'wsimd') {
    // Node tells the writes that wait in a stream in the context of the one before them, and so does ws.
    it('callbacks of sends and pings that wait, of full batches of them, and of the last before a close, too', async () => {
      const { ws, peer } = await rawClient(implementation);
      const storage = new AsyncLocalStorage<string>();
      const told: (string | undefined)[] = [];
      ws.send(Buffer.alloc(20_000_000));
      expect(ws._socket.writableLength).toBeGreaterThan(0);
      const expected = range(2000);
      const last = new Promise<void>((resolve) => {
        for (const name of expected) {
          const tell = (): void => {
            if (told.push(storage.getStore()) === expected.length) resolve();
          };
          storage.run(name, () => {
            if (Number(name) % 7 === 6) ws.ping(name, false, tell);
            else ws.send(Buffer.alloc(1000), tell);
          });
        }
      });
      storage.run('closes', () => ws.close());
      peer.socket.removeAllListeners('data').resume();
      await last;
      expect(told).toEqual(expected);
    });

    it('callbacks of sends between cork() and uncork(), and behind a write of the application, too', async () => {
      const { ws, peer } = await rawClient(implementation);
      const storage = new AsyncLocalStorage<string>();
      const told: string[] = [];
      const send = (name: string): Promise<void> =>
        new Promise((resolve) => {
          storage.run(name, () => {
            ws.send(name, () => {
              told.push(`${name} ${storage.getStore()}`);
              resolve();
            });
          });
        });
      const socket = ws._socket;
      socket.cork();
      const corked = ['a', 'b'].map(send);
      storage.run('uncorks', () => socket.uncork());
      await Promise.all(corked);
      storage.run('writes', () => socket.write(Buffer.alloc(20_000_000)));
      const behind = ['c', 'd'].map(send);
      peer.socket.destroy();
      await Promise.all(behind);
      expect(told).toEqual(['a a', 'b b', 'c c', 'd d']);
    });

    it('callbacks of Blobs, and of the sends and pings behind them, too', async () => {
      const { client, peer } = await pair(implementation);
      const storage = new AsyncLocalStorage<string>();
      const told: string[] = [];
      await new Promise<void>((resolve) => {
        for (const name of ['blob 1', 'text', 'ping', 'blob 2', 'bytes']) {
          storage.run(name, () => {
            const data = name.startsWith('blob') ? new Blob([name]) : name;
            const tell = (): void => {
              if (told.push(`${name} ${storage.getStore()}`) === 5) resolve();
            };
            if (name === 'ping') client.ping(data, undefined, tell);
            else client.send(data, tell);
          });
        }
      });
      expect(told).toEqual(['blob 1', 'text', 'ping', 'blob 2', 'bytes'].map((name) => `${name} ${name}`));
      peer.terminate();
    });

    it("'drain' is told in the asynchronous context of the send that filled the socket", async () => {
      const { ws, peer } = await rawClient(implementation);
      const storage = new AsyncLocalStorage<string>();
      const drained = new Promise((resolve) => {
        ws.on('drain', () => resolve(storage.getStore()));
      });
      storage.run('small', () => ws.send('small'));
      storage.run('large', () => ws.send(Buffer.alloc(20_000_000)));
      storage.run('after', () => ws.send('after'));
      peer.socket.resume();
      expect(await drained).toBe('large');
      peer.socket.destroy();
    });
  }

  it.each([
    ['compressed', { perMessageDeflate: { threshold: 0 } }],
    ['plain', {}],
  ])('messages are told in the context of the client that connected: %s', async (_name, options) => {
    const { url, server } = await listen(implementation, options);
    const storage = new AsyncLocalStorage<string>();
    server.on('connection', (ws: Client) => ws.on('message', (data: Buffer) => ws.send(data)));
    const seen = await Promise.all(
      ['one', 'two', 'three'].map(async (name) => {
        const ws = storage.run(name, () => new implementation.WebSocket(url, undefined, options));
        const contexts: (string | undefined)[] = [];
        await event(ws, 'open');
        const all = new Promise<void>((resolve) => {
          ws.on('message', () => {
            contexts.push(storage.getStore());
            if (contexts.length === 3) resolve();
          });
        });
        for (const length of [10, 300_000, 20]) ws.send(Buffer.alloc(length, name));
        await all;
        ws.terminate();
        return contexts;
      }),
    );
    expect(seen).toEqual(['one', 'two', 'three'].map((name) => [name, name, name]));
  });

  it('messages of a server are told in the context that its upgrade has entered, as far as Node carries it', async () => {
    const { server, port } = await listenHttp();
    const wss = ownedServer(new implementation.WebSocketServer({ noServer: true }));
    const storage = new AsyncLocalStorage<string>();
    const told = new Promise<string[]>((resolve) => {
      server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
        storage.enterWith(request.url!);
        wss.handleUpgrade(request, socket, head, (ws) => {
          const contexts: string[] = [];
          ws.on('message', () => {
            contexts.push(String(storage.getStore()));
            if (contexts.length === 2) resolve(contexts);
          });
        });
      });
    });
    const peer = rawRequest(port);
    await peer.readHead();
    peer.send({ payload: 'one' });
    await turn();
    peer.send({ payload: 'two' });
    expect(new Set(await told)).toEqual(new Set(['undefined']));
  });

  it('messages of a server are told in the context that a handler has entered, however long they were inflated', async () => {
    const { server, url } = await listen(implementation, { perMessageDeflate: { threshold: 0 } });
    const storage = new AsyncLocalStorage<string>();
    const told: Record<string, (string | undefined)[]> = {};
    server.on('connection', (ws: Client, request: http.IncomingMessage) => {
      const name = request.url!;
      const contexts: (string | undefined)[] = (told[name] = []);
      ws.on('message', () => {
        if (contexts.push(storage.getStore()) === 1) storage.enterWith(name);
        ws.send('');
      });
    });
    // From 64 KiB on they are inflated by threads, of the longest two at a time.
    const lengths: Record<string, number[]> = {
      '/one': [10, 300_000, 20, 2_000_000, 30],
      '/two': [300_000, 10, 20, 2_000_000, 30],
      '/three': [2_000_000, 300_000, 10, 20, 30],
      '/four': [20, 10, 2_000_000, 30, 300_000],
    };
    await Promise.all(
      Object.entries(lengths).map(async ([name, [first, ...more]]) => {
        const ws = new implementation.WebSocket(url + name, undefined, { perMessageDeflate: {} });
        onTestFinished(() => ws.terminate());
        await event(ws, 'open');
        // The others come in later reads.
        ws.send(Buffer.alloc(first, name));
        await event(ws, 'message');
        const all = messages(ws, more.length);
        for (const length of more) ws.send(Buffer.alloc(length, name));
        await all;
      }),
    );
    for (const name of Object.keys(lengths)) {
      const after = keepsContexts() ? name : undefined;
      expect(told[name]).toEqual([undefined, after, after, after, after]);
    }
  });

  it('while timers, microtasks and immediates are faked, then and after', async () => {
    const { client, peer } = await pair(implementation);
    peer.on('message', (data: Buffer) => peer.send(data));
    const got = messages(client, 2 * BURST);
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Date'] });
    try {
      for (const text of range(BURST)) client.send(text);
      await new Promise<void>((resolve) => {
        client.on('message', (data: Buffer) => {
          if (data.toString() === String(BURST - 1)) resolve();
        });
      });
    } finally {
      vi.useRealTimers();
    }
    for (const text of range(BURST)) client.send(text);
    expect((await got).map(({ data }) => data.toString())).toEqual([...range(BURST), ...range(BURST)]);
  });

  it('where timers, microtasks and immediates were faked before the library was loaded', async () => {
    const { peer } = await child(
      implementation,
      `for (let i = 0; i < 20; i++) ws.send(String(i));
       ws.on('message', (data) => ws.send(data));`,
      { before: `globalThis.queueMicrotask = globalThis.setImmediate = globalThis.setTimeout = () => {};` },
    );
    expect(await texts(peer, 21)).toEqual([...range(20), 'question']);
  });

  const fake = `globalThis.queueMicrotask = globalThis.setImmediate = globalThis.setTimeout = process.nextTick = () => {};`;
  const real = `const own = [queueMicrotask, setImmediate, setTimeout, process.nextTick];
    const restore = () => ([globalThis.queueMicrotask, globalThis.setImmediate, globalThis.setTimeout, process.nextTick] = own);`;

  // After the read, where nothing but the end of the tick has them leave.
  const answers = `ws.on('message', (data) => {
    if (String(data) === 'real') restore();
    Promise.resolve().then(() => { for (let i = 0; i < 20; i++) ws.send(data + ' ' + i); });
  });`;
  const answersTo = (data: string): string[] => range(20).map((i) => `${data} ${i}`);

  it('where process.nextTick too is faked, once the connection is open', async () => {
    const { peer } = await child(implementation, `${fake} ${answers}`);
    expect(await texts(peer, 20)).toEqual(answersTo('question'));
    peer.send({ payload: 'again' });
    expect(await texts(peer, 20)).toEqual(answersTo('again'));
  });

  it('where process.nextTick too was faked while the library was loaded, and is faked again until later', async () => {
    const { peer } = await child(implementation, `${fake} ${answers}`, {
      before: `${real} ${fake}`,
      loaded: 'restore();',
    });
    for (const next of ['again', 'real', 'after', '']) {
      const [first] = await texts(peer, 1);
      const data = first.replace(' 0', '');
      expect([first, ...(await texts(peer, 19))]).toEqual(answersTo(data));
      if (next !== '') peer.send({ payload: next });
      else expect(data).toBe('after');
    }
  });

  it("an application's own socket.write, set before or in 'connection', sees every byte, also after _socket was read", async () => {
    const { server, port } = await listen(implementation);
    let seen = 0;
    const count = (socket: Duplex): void => {
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
      socket.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
        seen += Buffer.byteLength(chunk);
        return write(chunk, ...rest);
      };
    };
    let inner: Duplex;
    server.on('connection', (ws: Client, request: http.IncomingMessage) => {
      inner = request.socket;
      ws.send('before');
      count(request.socket);
      void ws._socket;
      for (const text of range(BURST)) ws.send(text);
      void ws._socket;
      ws.on('message', (data: Buffer) => ws.send(data));
    });
    const peer = rawRequest(port);
    await peer.readHead();
    peer.write(frames(range(BURST)));
    await texts(peer, 1 + 2 * BURST);
    expect(seen).toBe(2 * frames(range(BURST), false).length);
    expect(inner!.writableLength).toBe(0);
  });

  it.each(['queues', 'delays'])('a socket.write that %s its chunks: every byte is right on the wire', async (how) => {
    const { server, port } = await listen(implementation);
    server.on('connection', (ws: Client, request: http.IncomingMessage) => {
      const { socket } = request;
      const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
      let held: unknown[][] = [];
      const release = (): void => {
        const all = held;
        held = [];
        for (const given of all) write(...given);
      };
      socket.write = (...given: unknown[]) => {
        held.push(given);
        if (how === 'queues') setImmediate(release);
        else setTimeout(release, 5);
        return true;
      };
      ws.on('message', (data: Buffer) => ws.send(data));
    });
    const peers = await Promise.all(
      ['a', 'b', 'c'].map(async (letter) => {
        const peer = rawRequest(port);
        await peer.readHead();
        return { letter, peer };
      }),
    );
    const sent = (letter: string, round: number): string[] => range(5).map((i) => `${letter.repeat(50)} ${round} ${i}`);
    for (let round = 0; round < 5; round++) {
      for (const { letter, peer } of peers) peer.write(frames(sent(letter, round)));
      await turn();
    }
    for (const { letter, peer } of peers) {
      expect(await texts(peer, 25)).toEqual([0, 1, 2, 3, 4].flatMap((round) => sent(letter, round)));
    }
  });

  it('a net.Socket of a subclass whose _write is over later: every byte is right on the wire', async () => {
    class Slow extends net.Socket {
      override _writev(
        chunks: { chunk: Buffer; encoding: BufferEncoding }[],
        callback: (error?: Error | null) => void,
      ) {
        setTimeout(() => super._writev!(chunks, callback), 2);
      }
      override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void) {
        // The write is taken for done long before the socket has the bytes.
        setTimeout(() => super._write(chunk, encoding, () => {}), 2);
        callback();
      }
    }
    const { url, server } = await listen(implementation);
    const dialed = ['a', 'b', 'c'].map((letter) => {
      const ws = new implementation.WebSocket(url, undefined, {
        createConnection: (options: net.NetConnectOpts) => new Slow().connect(options),
      });
      onTestFinished(() => ws.terminate());
      return { ws, letter };
    });
    const got: Record<string, string[]> = { a: [], b: [], c: [] };
    const all = new Promise<void>((resolve) => {
      let count = 0;
      server.on('connection', (ws: Client) => {
        ws.on('error', () => resolve());
        ws.on('message', (data: Buffer) => {
          const text = data.toString();
          got[text[0]]?.push(text);
          if (++count === 3 * BURST) resolve();
        });
      });
    });
    await Promise.all(dialed.map(({ ws }) => event(ws, 'open')));
    for (const text of range(BURST)) {
      for (const { ws, letter } of dialed) ws.send(`${letter} ${text}`);
    }
    await all;
    for (const letter of ['a', 'b', 'c']) expect(got[letter]).toEqual(range(BURST).map((text) => `${letter} ${text}`));
  });

  it.each(['before', 'in', 'after'] as const)("a 'data' listener set %s 'connection' sees every byte", async (when) => {
    const { server, port } = await listenHttp();
    const wss = ownedServer(new implementation.WebSocketServer({ server }));
    let seen = 0;
    const count = (chunk: Buffer): void => void (seen += chunk.length);
    if (when === 'before') server.on('upgrade', (_request, socket: Duplex) => socket.on('data', count));
    wss.on('connection', (ws: Client, request: http.IncomingMessage) => {
      if (when === 'in') request.socket.on('data', count);
      ws.on('message', (data: Buffer) => {
        if (when === 'after' && data.toString() === 'start') request.socket.on('data', count);
        ws.send(data);
      });
    });
    const peer = rawRequest(port);
    await peer.readHead();
    if (when === 'after') {
      peer.send({ payload: 'start' });
      await peer.readFrame();
    }
    const bytes = frames(range(BURST));
    peer.write(bytes);
    expect(await texts(peer, BURST)).toEqual(range(BURST));
    expect(seen).toBe(bytes.length);
  });

  it('a net.Socket that borrows the handle of another gets its messages', async () => {
    const { url, server } = await listen(implementation);
    server.on('connection', (ws: Client) => ws.on('message', (data: Buffer) => ws.send(data)));
    const ws = new implementation.WebSocket(url, undefined, {
      createConnection(options: net.NetConnectOpts) {
        const inner = net.connect(options);
        const outer = new net.Socket();
        inner.on('connect', () => {
          (outer as unknown as { _handle: unknown })._handle = (inner as unknown as { _handle: unknown })._handle;
          outer.emit('connect');
        });
        inner.on('data', (chunk) => outer.push(chunk));
        inner.on('end', () => outer.push(null));
        outer.write = inner.write.bind(inner);
        outer.destroy = () => {
          inner.destroy();
          return outer;
        };
        onTestFinished(() => void inner.destroy());
        return outer;
      },
    });
    ws.on('error', () => {});
    await event(ws, 'open');
    const got = messages(ws, BURST);
    for (const text of range(BURST)) ws.send(text);
    expect((await got).map(({ data }) => data.toString())).toEqual(range(BURST));
  });

  it('a socket that takes no new methods: all sends come before its end', async () => {
    const [near, far] = duplexPair();
    const options = { maxPayload: 100, skipUTF8Validation: false, allowSynchronousEvents: true, autoPong: true };
    const rigid = new implementation.WebSocket(null, undefined, options);
    rigid.setSocket(near, Buffer.alloc(0), options);
    Object.preventExtensions(near);
    const chunks: Buffer[] = [];
    far.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (const text of range(BURST)) rigid.send(text);
    near.end();
    await once(far, 'end');
    const frames = range(BURST).map((text) => Buffer.concat([Buffer.of(0x81, text.length), Buffer.from(text)]));
    expect(Buffer.concat(chunks).equals(Buffer.concat(frames))).toBe(true);
    rigid.terminate();
  });

  it('a stream that throws in write: the send throws, and every other connection goes on', async () => {
    const [near] = duplexPair();
    const options = { maxPayload: 100, skipUTF8Validation: false, allowSynchronousEvents: true, autoPong: true };
    const odd = new implementation.WebSocket(null, undefined, options);
    const other = await rawClient(implementation);
    odd.on('error', () => {});
    odd.setSocket(near, Buffer.alloc(0), options);
    const write = near.write.bind(near);
    near.write = () => {
      throw new Error('planted');
    };
    expect(() => odd.send('thrown')).toThrow('planted');
    for (const text of range(BURST)) other.ws.send(text);
    expect(await texts(other.peer, BURST)).toEqual(range(BURST));
    near.write = write;
    near.destroy();
    await once(odd, 'close');
    for (const text of range(BURST)) other.ws.send(text);
    expect(await texts(other.peer, BURST)).toEqual(range(BURST));
  });
});
