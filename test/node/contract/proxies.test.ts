/** A Proxy around a socket and an object that inherits from one do what the socket does: frameworks and loggers make such faces. */
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { encodeFrame } from '../../support/raw-peer.js';
import { connectingClient, contract, dial, ending, event, listen, message, pair, rawClient, turn } from './harness.js';
import type { Client, ClientClass, ListenerEvent } from './implementations.js';

const FACES: [string, <Of extends object>(of: Of) => Of][] = [
  ['a Proxy', (of) => new Proxy(of, {})],
  ['a Proxy of a Proxy', (of) => new Proxy(new Proxy(of, {}), {})],
  ['a Proxy that names this', (of) => new Proxy(of, { get: (target, name, self) => Reflect.get(target, name, self) })],
  ['a Proxy of an empty object', standIn],
  ['an object that inherits', (of) => Object.create(of) as typeof of],
];

/** As programs make them for an object that exists later. */
function standIn<Of extends object>(of: Of): Of {
  return new Proxy({} as Of, {
    get: (_target, name) => Reflect.get(of, name) as unknown,
    set: (_target, name, value) => Reflect.set(of, name, value),
    getPrototypeOf: () => Reflect.getPrototypeOf(of),
  });
}

/** Every fact about a socket, the ones of ws's own fields too. */
const FACTS =
  'binaryType bufferedAmount extensions isPaused protocol readyState url CONNECTING OPEN onopen onmessage _isServer _socket _sender _receiver _extensions _readyState _paused _binaryType _protocol _closeCode _closeFrameReceived _closeFrameSent _closeMessage _closeTimer _errorEmitted _autoPong _redirects'.split(
    ' ',
  );

function factsOf(ws: Client): unknown[] {
  return FACTS.map((name) => Reflect.get(ws, name) as unknown);
}

function expectSame(face: Client, ws: Client): void {
  const [seen, real] = [factsOf(face), factsOf(ws)];
  for (const [index, name] of FACTS.entries()) expect(seen[index], name).toBe(real[index]);
}

contract('proxies', (implementation) => {
  it.each(FACES)('%s has the facts in every state, on both sides', async (_kind, around) => {
    const connecting = connectingClient(implementation);
    expectSame(around(connecting), connecting);
    const { client, peer } = await pair(implementation, { server: { perMessageDeflate: true } });
    const ends = [client, peer].map((ws) => ({ ws, face: around(ws) }));
    for (const { ws, face } of ends) {
      expectSame(face, ws);
      expect(face.extensions).toBe('permessage-deflate');
      expect(face instanceof implementation.WebSocket).toBe(true);
    }
    const closed = Promise.all([ending(client), ending(peer)]);
    client.close(4001, 'over');
    expect(client.readyState).toBe(2);
    for (const { ws, face } of ends) expectSame(face, ws);
    await closed;
    expect(client.readyState).toBe(3);
    for (const { ws, face } of ends) expectSame(face, ws);
  });

  it.each(FACES)('%s sends and hears, on both sides', async (_kind, around) => {
    const { client, peer } = await pair(implementation);
    for (const [ws, other] of [
      [around(client), peer],
      [around(peer), client],
    ]) {
      for (const [data, options, payload] of [
        ['text', undefined, 'text'],
        [Buffer.from('bytes'), { binary: false }, 'bytes'],
        [new Blob(['blob']), undefined, 'blob'],
      ] as const) {
        const got = message(other);
        const written = new Promise((resolve) => {
          ws.send(data, options, resolve);
        });
        expect((await got).data.toString()).toBe(payload);
        expect(await written).toBeFalsy();
      }
      const heard: string[] = [];
      ws.onmessage = ({ data, target }: ListenerEvent) =>
        heard.push(`onmessage ${String(data)} ${Reflect.get(target, 'OPEN')}`);
      ws.addEventListener('message', ({ data }) => heard.push(`listener ${String(data)}`), { once: true });
      ws.on('message', (data: Buffer) => heard.push(`on ${data.toString()}`));
      expect(ws.onmessage).toBeTypeOf('function');
      const arrived = event(ws, 'message');
      other.send('in');
      await arrived;
      expect(heard).toEqual(['onmessage in 1', 'listener in', 'on in']);
      for (const name of ['ping', 'pong'] as const) {
        const told = event<[Buffer]>(other, name);
        ws[name](name);
        expect((await told)[0].toString()).toBe(name);
      }
    }
  });

  it.each(FACES)('%s pauses, resumes, and chooses the type of messages', async (_kind, around) => {
    const { client, peer } = await pair(implementation);
    const face = around(peer);
    face.pause();
    expect(face.isPaused).toBe(true);
    const early = message(client);
    client.send('held');
    peer.send('not held');
    await early;
    let isHeld = true;
    const held = message(peer).then(() => isHeld);
    await turn();
    isHeld = false;
    face.resume();
    expect([await held, face.isPaused]).toEqual([false, false]);
    face.binaryType = 'arraybuffer';
    const got = message(peer);
    client.send(Buffer.from('bytes'));
    expect((await got).data).toBeInstanceOf(ArrayBuffer);
    expect(face.binaryType).toBe('arraybuffer');
  });

  it.each(FACES)('%s closes, terminates, and refuses what comes too late', async (_kind, around) => {
    for (const side of ['client', 'peer'] as const) {
      const closing = await pair(implementation);
      const gone = ending(closing[side === 'client' ? 'peer' : 'client']);
      const face = around(closing[side]);
      face.close(4002, 'enough');
      expect(face.readyState).toBe(2);
      face.close();
      expect(await new Promise((resolve) => face.send('late', resolve))).toMatchObject({
        message: 'WebSocket is not open: readyState 2 (CLOSING)',
      });
      expect(face.bufferedAmount).toBeGreaterThanOrEqual(4);
      expect(await gone).toMatchObject({ code: 4002, reason: 'enough' });

      const ended = await pair(implementation);
      const cut = ending(ended[side]);
      around(ended[side]).terminate();
      expect((await cut).code).toBe(1006);
    }
  });

  it.each(FACES)('%s of a client that connects is given up like the client', async (_kind, around) => {
    for (const how of ['close', 'terminate'] as const) {
      const face = around(connectingClient(implementation));
      expect(() => face.send('early')).toThrow('WebSocket is not open: readyState 0 (CONNECTING)');
      expect(() => face.ping()).toThrow('WebSocket is not open: readyState 0 (CONNECTING)');
      face.pause();
      expect([face.isPaused, face._socket, face._sender, face.bufferedAmount]).toEqual([false, null, null, 0]);
      const end = ending(face);
      face[how]();
      expect(face.readyState).toBe(2);
      expect(await end).toMatchObject({
        code: 1006,
        errors: 1,
        error: { message: 'WebSocket was closed before the connection was established' },
      });
      expect(face.readyState).toBe(3);
      face.send('late', () => {});
      expect(face.bufferedAmount).toBe(4);
    }
  });

  it.each(FACES)('%s is made a stream', async (_kind, around) => {
    const { client, peer } = await pair(implementation);
    const stream = implementation.createWebSocketStream(around(client));
    const got = message(peer);
    stream.write('out');
    expect((await got).data.toString()).toBe('out');
    const read = event<[Buffer]>(stream, 'data');
    peer.send('in');
    expect((await read)[0].toString()).toBe('in');
    const closed = event(peer, 'close');
    stream.end();
    await closed;
  });

  it('a Proxy that stands before a connecting client whose fields have become Proxies too opens and closes', async () => {
    const { url } = await pair(implementation);
    const client = dial(implementation, url);
    const fields = client as unknown as Record<string, unknown>;
    for (const name of Object.keys(client)) {
      const value = fields[name];
      if (typeof value === 'object' && value !== null) fields[name] = new Proxy(value, {});
    }
    const face = new Proxy(client, {});
    await event(client, 'open');
    const ponged = event(face, 'pong');
    face.ping();
    await ponged;
    const gone = ending(client);
    face.close(4004);
    expect((await gone).code).toBe(4004);
  });

  it('a Proxy sees each state that close, terminate, pause, resume and binaryType set', async () => {
    for (const how of ['close', 'terminate'] as const) {
      const { client } = await pair(implementation);
      const gone = event(client, 'close');
      const set: string[] = [];
      const face = new Proxy(client, {
        set(target, name, value, self) {
          if (value !== Reflect.get(target, name)) set.push(`${String(name)} ${String(value)}`);
          return Reflect.set(target, name, value, self);
        },
      });
      face.pause();
      face.resume();
      face.binaryType = 'fragments';
      face[how]();
      const names = ['_paused true', '_paused false', 'binaryType fragments', '_binaryType fragments', '_readyState 2'];
      expect(set.filter((each) => names.includes(each))).toEqual(names);
      await gone;
    }
  });

  it('a class whose constructor returns a Proxy serves both sides', async () => {
    const Base = implementation.WebSocket;
    const seen: string[] = [];
    class Watched extends (Base as unknown as new (...given: unknown[]) => Client) {
      constructor(...given: unknown[]) {
        super(...given);
        return new Proxy(this, {
          get(target, name, self) {
            seen.push(String(name));
            return Reflect.get(target, name, self) as unknown;
          },
        });
      }
    }
    const { server, url } = await listen(implementation, { WebSocket: Watched });
    server.on('connection', (ws: Client) =>
      ws.on('message', (data: Buffer) => {
        ws.send(data);
        ws.close(4003);
      }),
    );
    const client = dial({ ...implementation, WebSocket: Watched as unknown as ClientClass }, url);
    client.on('open', () => client.send('it'));
    const [got, end] = await Promise.all([message(client), ending(client)]);
    expect([got.data.toString(), end.code]).toEqual(['it', 4003]);
    for (const name of ['setSocket', 'emit', 'send', 'close', '_readyState']) expect(seen).toContain(name);
  });

  it.each(FACES)('%s of the sender and receiver of a socket', async (_kind, around) => {
    const { ws, peer } = await rawClient(implementation);
    const sender = around(ws._sender);
    const list = implementation.Sender.frame('frame', {
      fin: true,
      opcode: 1,
      rsv1: false,
      mask: false,
      readOnly: true,
    });
    sender.sendFrame(list);
    expect((await peer.readFrame()).payload.toString()).toBe('frame');
    sender.ping('p', false);
    expect((await peer.readFrame()).opcode).toBe(9);
    expect(Reflect.get(sender, '_socket')).toBe(ws._socket);
    expect(Reflect.get(sender, '_bufferedBytes')).toBe(0);
    const receiver = around(ws._receiver);
    expect(Reflect.get(receiver, '_maxPayload')).toBe(100 * 1024 * 1024);
    expect(Reflect.get(receiver, '_skipUTF8Validation')).toBe(false);
  });

  it.each(FACES)('%s of a Sender', async (_kind, around) => {
    const socket = new PassThrough();
    const sender = around(new implementation.Sender(socket));
    const options = { binary: false, compress: false, fin: true, mask: false };
    sender.send(new Blob(['first']), options);
    sender.send('second', options);
    const told = new Promise((resolve) => {
      sender.close(1000, 'bye', false, resolve);
    });
    await told;
    const close = Buffer.concat([Buffer.from([0x88, 5, 3, 0xe8]), Buffer.from('bye')]);
    expect(socket.read()).toEqual(
      Buffer.concat([encodeFrame({ payload: 'first' }), encodeFrame({ payload: 'second' }), close]),
    );
  });

  it.each(FACES)('%s of a PerMessageDeflate', async (_kind, around) => {
    const deflate = around(new implementation.PerMessageDeflate({ isServer: true, threshold: 0 }));
    expect(deflate.offer()).toEqual({ client_max_window_bits: true });
    deflate.accept([{}]);
    const text = Buffer.from('text '.repeat(100));
    const compressed = await new Promise<Buffer>((resolve, reject) => {
      deflate.compress(text, true, (error, result) => (error ? reject(error) : resolve(result)));
    });
    const whole = await new Promise<Buffer>((resolve, reject) => {
      deflate.decompress(compressed, true, (error, result) => (error ? reject(error) : resolve(result)));
    });
    expect(whole).toEqual(text);
    deflate.cleanup();
  });

  it('a Proxy of a Receiver', async () => {
    const receiver = new Proxy(new implementation.Receiver(), {});
    const got = event<[Buffer, boolean]>(receiver, 'message');
    await new Promise((resolve) => {
      receiver.write(encodeFrame({ payload: 'hello' }), resolve);
    });
    const [data, isBinary] = await got;
    expect([data.toString(), isBinary]).toEqual(['hello', false]);
  });
});
