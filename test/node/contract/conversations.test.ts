/** Whole conversations in odd orders: all that each side sees, and the state in which it sees it, is as with `ws`. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  closeCode,
  encodeFrame,
  RAW_KEY,
  requestHead,
  type RawFrameOptions,
  type RawPeer,
} from '../../support/raw-peer.js';
import { contract, event, listen, pair, rawClient } from './harness.js';
import { ours, reference, type Client, type Implementation } from './implementations.js';

const run = promisify(execFile);

const EVENTS = ['open', 'message', 'ping', 'pong', 'error', 'close'];

function text(value: unknown): string {
  if (value instanceof Error) return `${value.constructor.name} ${value.message} ${(value as { code?: string }).code}`;
  return String(value);
}

/** Every event of a WebSocket with its arguments and the state in which its listener finds the WebSocket. */
function watch(ws: Client, log: string[]): void {
  for (const name of EVENTS) {
    ws.on(name, (...given: unknown[]) => log.push(`${name} ${ws.readyState} ${given.map(text).join()}`));
  }
}

interface Conversation {
  ws: Client;
  peer: RawPeer;
  log: string[];
}

type Act = (conversation: Conversation) => void;

/** The log of a conversation that the peer closes after its frames, with all that it saw. */
async function converse(implementation: Implementation, act: Act, options = {}, offer = ''): Promise<string[]> {
  const headers = offer === '' ? {} : { 'Sec-WebSocket-Extensions': offer };
  const { ws, peer } = await rawClient(implementation, options, { headers });
  const log: string[] = [];
  const closed = event(ws, 'close');
  watch(ws, log);
  act({ ws, peer, log });
  peer.send({ opcode: 8, payload: closeCode(1000) });
  const wire = await peer.readToEnd();
  await closed;
  return [...log, wire.toString('hex')];
}

function same(name: string, act: Act, options = {}, offer = ''): void {
  it(name, async () => {
    const theirs = await converse(await reference(), act, options, offer);
    expect(await converse(await ours(), act, options, offer)).toEqual(theirs);
  });
}

/** Frames that break a rule, raw or to be encoded. */
const FAULTS: readonly (readonly [name: string, ...frames: (RawFrameOptions | Buffer)[]])[] = [
  ['opcode 3', { opcode: 3 }],
  ['opcode 11', { opcode: 11 }],
  ['RSV1 on a control frame', { opcode: 9, rsv1: true }],
  ['RSV2', { rsv2: true }],
  ['RSV2 on a Close', { opcode: 8, rsv2: true }],
  ['a fragmented ping', { opcode: 9, fin: false }],
  ['a continuation of nothing', { opcode: 0, payload: 'a' }],
  ['text within a message', { fin: false, payload: 'a' }, { payload: 'b' }],
  ['text that is no UTF-8', { payload: Buffer.of(0xff) }],
  ['a Close of one byte', { opcode: 8, payload: Buffer.of(3) }],
  ['a Close with 1004', { opcode: 8, payload: closeCode(1004) }],
  ['a reason that is no UTF-8', { opcode: 8, payload: Buffer.of(3, 232, 255) }],
  ['a ping of 126 bytes', { opcode: 9, payload: Buffer.alloc(126) }],
  ['a length past 2^53', Buffer.from('82ffffffffffffffffff', 'hex')],
  ['a message past maxPayload', { opcode: 2, payload: Buffer.alloc(2000) }],
  ['a frame without a mask', Buffer.from('810161', 'hex')],
];

describe('conversations', () => {
  for (const [name, ...frames] of FAULTS) {
    for (const offer of ['', 'permessage-deflate']) {
      const act: Act = ({ peer }) => {
        const bytes = frames.map((frame) => (Buffer.isBuffer(frame) ? frame : encodeFrame({ ...frame, masked: true })));
        const message = (payload: string): Buffer => encodeFrame({ payload, masked: true });
        peer.write(Buffer.concat([message('before'), ...bytes, message('after')]));
        peer.socket.end();
      };
      same(`${name}, ${offer || 'uncompressed'}`, act, { maxPayload: 1000, perMessageDeflate: true }, offer);
    }
  }

  const three = (peer: RawPeer): void => {
    peer.send({ payload: 'one' }, { opcode: 9, payload: 'ping' }, { opcode: 2, payload: 'two' }, { payload: 'three' });
  };
  for (const options of [{}, { allowSynchronousEvents: false }]) {
    const how = JSON.stringify(options);
    const told = (name: string, act: Act): void => same(`${name} ${how}`, act, options);
    told('terminate() in the first message', ({ ws, peer }) => {
      ws.once('message', () => ws.terminate());
      three(peer);
    });
    told("close() and close() again in 'message'", ({ ws, peer }) => {
      ws.once('message', () => {
        ws.close(4000, 'one');
        ws.close(4001, 'two');
      });
      three(peer);
    });
    told("pause() and resume() in 'message'", ({ ws, peer, log }) => {
      ws.once('message', () => {
        ws.pause();
        log.push(`paused ${ws.isPaused}`);
        setImmediate(() => ws.resume());
      });
      three(peer);
    });
    told("send, ping and close in 'message', 'ping' and 'close'", ({ ws, peer, log }) => {
      ws.once('message', () => ws.send('answer', (error) => log.push(`sent ${ws.readyState} ${error}`)));
      ws.once('ping', () => ws.ping('asked'));
      ws.once('close', () => {
        ws.send('late', (error) => log.push(text(error)));
        ws.close();
        ws.terminate();
      });
      three(peer);
    });
    told('listeners of every kind are called in their order', ({ ws, peer, log }) => {
      const object = { handleEvent: ({ data }: { data?: unknown }): void => void log.push(`object ${text(data)}`) };
      ws.addEventListener('message', object, { once: true });
      ws.addEventListener('message', object);
      ws.onmessage = ({ data }) => log.push(`on ${text(data)}`);
      ws.on('message', (data) => log.push(`emitter ${text(data)}`));
      ws.onmessage = ({ data }) => {
        log.push(`again ${text(data)}`);
        ws.onmessage = null;
      };
      ws.prependListener('message', () => log.push('first'));
      three(peer);
    });
  }

  it('a conversation between two: the same events in the same states on each side', async () => {
    const logs = [];
    for (const implementation of [await reference(), await ours()]) {
      for (const perMessageDeflate of [false, { threshold: 0 }, { serverMaxWindowBits: 9, threshold: 0 }]) {
        const { client, peer } = await pair(implementation, {
          server: { perMessageDeflate },
          client: { perMessageDeflate },
        });
        const log: string[][] = [[], []];
        watch(client, log[0]);
        watch(peer, log[1]);
        client.send('x'.repeat(3000));
        client.send('frag', { fin: false });
        client.ping('between');
        client.send('ment');
        client.send('plain', { compress: false });
        peer.send(Buffer.alloc(300));
        client.close(4000, 'over');
        await Promise.all([once(client, 'close'), once(peer, 'close')]);
        log.push([client.extensions, peer.extensions]);
        logs.push(log);
      }
    }
    expect(logs.slice(3)).toEqual(logs.slice(0, 3));
  });
});

contract('listeners', (implementation) => {
  it('one that throws: the messages after it are told, where a handler keeps the process alive (D19)', async () => {
    const frames = ['message', 'ping', 'pong'].map((name, at) =>
      encodeFrame({ opcode: [1, 9, 10][at], payload: name, masked: true }).toString('latin1'),
    );
    const program = `
      import net from 'node:net';
      const { WebSocketServer } = await import(${JSON.stringify(await implementation.childModule())});
      const log = [];
      process.on('uncaughtException', ({ message }) => log.push(message));
      for (const [at, name] of ['message', 'ping', 'pong'].entries()) {
        const server = new WebSocketServer({ port: 0 });
        await new Promise((resolve) => server.on('listening', resolve));
        const socket = net.connect(server.address().port);
        socket.on('data', () => {});
        socket.write(${JSON.stringify(requestHead())});
        const websocket = await new Promise((resolve) => server.on('connection', resolve));
        websocket.on('message', (data) => log.push('heard ' + data));
        websocket.once(name, () => { throw new Error('thrown in ' + name); });
        const frame = Buffer.from(${JSON.stringify(frames)}[at], 'latin1');
        socket.write(Buffer.concat([frame, Buffer.from('818000000000', 'hex'), Buffer.from('888000000000', 'hex')]));
        socket.end();
        websocket.on('close', () => log.push('closed'));
        await new Promise((resolve) => websocket._socket.on('close', resolve));
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      console.log(log.join('|'));
      process.exit();
    `;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
    const after = implementation.differs('D19', { ws: '', wsimd: '|heard |closed' });
    expect(stdout.trim()).toBe(
      ['heard message|thrown in message', 'thrown in ping', 'thrown in pong'].map((line) => line + after).join('|'),
    );
  });

  it('removeAllListeners(): the server still knows when the connection is over (D19)', async () => {
    const { server, ws, peer } = await rawClient(implementation);
    ws.removeAllListeners();
    const { _socket: socket } = ws;
    peer.send({ opcode: 8, payload: closeCode(1000) });
    await once(socket, 'close');
    expect(server.clients.size).toBe(implementation.differs('D19', { ws: 1, wsimd: 0 }));
    server.clients.clear();
  });
});

contract('differences', (implementation) => {
  it('callbacks of compressed sends: run in the context of their own send (D12)', async () => {
    const options = { perMessageDeflate: { threshold: 0 } };
    const { client } = await pair(implementation, { server: options, client: options });
    const storage = new AsyncLocalStorage<number>();
    const seen: unknown[] = [];
    await Promise.all(
      [1, 2, 3].map((send) =>
        storage.run(
          send,
          () =>
            new Promise<void>((resolve) => {
              client.send('text', () => resolve(void seen.push(storage.getStore())));
            }),
        ),
      ),
    );
    expect(seen).toEqual(implementation.differs('D12', { ws: [1, 1, 1], wsimd: [1, 2, 3] }));
  });

  it('close(1000.5): is no code (D9)', async () => {
    const { ws } = await rawClient(implementation);
    const refused = implementation.differs('D9', { ws: false, wsimd: true });
    if (refused) expect(() => ws.close(1000.5)).toThrow('First argument must be a valid error code number');
    else ws.close(1000.5);
  });

  it('allowSynchronousEvents false: the end of a peer counts after the messages before it (D15)', async () => {
    const { ws, peer } = await rawClient(implementation, { allowSynchronousEvents: false });
    const log: string[] = [];
    watch(ws, log);
    const closed = event(ws, 'close');
    peer.send({ payload: 'one' }, { opcode: 9, payload: 'p' });
    peer.socket.end();
    await closed;
    expect(log.slice(0, 2)).toEqual([
      'message 1 one,false',
      `ping ${implementation.differs('D15', { ws: 2, wsimd: 1 })} p`,
    ]);
  });
});

contract('as with ws', (implementation) => {
  it('the callback of a send gets null where all went well', async () => {
    const { client, peer } = await pair(implementation, {
      server: { perMessageDeflate: true },
      client: { perMessageDeflate: true },
    });
    for (const ws of [client, peer]) {
      for (const data of ['short', Buffer.alloc(300_000), new Blob(['blob'])]) {
        expect(await new Promise((resolve) => ws.send(data, resolve))).toBe(null);
      }
      expect(await new Promise((resolve) => ws.ping('x', undefined, resolve))).toBe(null);
    }
  });

  it('_receiver tells of the Close after it has been answered', async () => {
    const { ws, peer } = await rawClient(implementation);
    const concluded = once(ws._receiver, 'conclude');
    peer.send({ opcode: 8, payload: Buffer.of(3, 232, 97) });
    expect((await concluded).map(text)).toEqual(['1000', 'a']);
    expect(ws.readyState).toBe(2);
  });

  it('properties: a connection has none of its own that can be listed, apart from those that begin with _', async () => {
    const { ws } = await rawClient(implementation);
    expect(Object.keys(ws).filter((name) => !name.startsWith('_'))).toEqual([]);
    expect(implementation.WebSocketServer).toHaveLength(2);
  });
});

contract('a server that closes', (implementation) => {
  it.each([
    ['a plain request', {}],
    ['a request for a WebSocket', { Upgrade: 'websocket', 'Sec-WebSocket-Key': RAW_KEY }],
  ])('%s that was under way gets 426, and the socket is not kept (D20)', async (_name, fields) => {
    const { server, port } = await listen(implementation, { acceptPath: 'http' });
    const socket = net.connect(port, '127.0.0.1');
    const head = requestHead(fields).trimEnd();
    socket.write(head);
    await once(socket, 'connect');
    await new Promise((resolve) => {
      // The server has the first bytes once it has answered on another connection.
      const other = net.connect(port, '127.0.0.1', () => other.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
      other.on('data', resolve);
    });
    server.close();
    socket.write('\r\n\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(data.toString()).toMatch(/^HTTP\/1\.1 426 /);
    expect(/^Connection: (.+?)\r$/m.exec(data.toString())![1]).toBe(
      implementation.differs('D20', { ws: 'keep-alive', wsimd: 'close' }),
    );
  });
});
