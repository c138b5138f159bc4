/** Sends of one tick may leave in one write: what a user sees of it must be as if each had left at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { encodeFrame, type RawPeer } from '../../support/raw-peer.js';
import { answering, contract, event, pair, rawClient, rawServer, turn } from './harness.js';
import type { Implementation } from './implementations.js';
import { responseHead } from '../../support/raw-peer.js';

async function texts(peer: RawPeer, count: number): Promise<string[]> {
  const list: string[] = [];
  while (list.length < count) list.push((await peer.readFrame()).payload.toString());
  return list;
}

/** Runs a program in a child of plain Node with a client connected to a raw server; gives what reached the server. */
async function framesOfChild(implementation: Implementation, body: string): Promise<string[]> {
  const server = await answering(({ peer, request }) => {
    peer.write(responseHead(request));
    peer.send({ payload: 'question' });
  });
  const module = await implementation.childModule();
  const program = `
    const { WebSocket } = await import(${JSON.stringify(module)});
    const ws = new WebSocket(${JSON.stringify(server.url)});
    ws.on('error', () => {});
    ws.on('open', () => { ${body} });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  const { peer } = await server.first;
  const frames = await peer.readFramesToEnd();
  if (child.exitCode === null) await once(child, 'exit');
  return frames.map(({ payload }) => payload.toString());
}

contract('batching', (implementation) => {
  it('send(); terminate(): delivers, on a server and on a client', async () => {
    for (const { ws, peer } of [await rawClient(implementation), await rawServer(implementation)]) {
      ws.send('one');
      ws.send(Buffer.from('two'));
      ws.terminate();
      expect((await peer.readFramesToEnd()).map(({ payload }) => payload.toString())).toEqual(['one', 'two']);
    }
  });

  it('send(); terminate() inside a message handler: delivers', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.on('message', () => {
      ws.send('answer');
      ws.terminate();
    });
    peer.send({ payload: 'question' });
    expect((await peer.readFramesToEnd()).map(({ payload }) => payload.toString())).toEqual(['answer']);
  });

  it('send(); _socket.destroy(): delivers', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('before');
    ws._socket.destroy();
    expect((await peer.readFramesToEnd()).map(({ payload }) => payload.toString())).toEqual(['before']);
  });

  it('send(); _socket.end(): delivers', async () => {
    const { ws, peer } = await rawClient(implementation);
    ws.send('before');
    ws._socket.end();
    expect((await peer.readFramesToEnd()).map(({ payload }) => payload.toString())).toEqual(['before']);
  });

  it('send(); process.exit(): delivers', async () => {
    expect(await framesOfChild(implementation, `ws.send('one'); ws.send('two'); process.exit();`)).toEqual([
      'one',
      'two',
    ]);
  });

  it('send(); process.exit() inside a message handler: delivers', async () => {
    const body = `ws.on('message', () => { ws.send('answer'); process.exit(); });`;
    expect(await framesOfChild(implementation, body)).toEqual(['answer']);
  });

  it("send() in 'exit': delivers", async () => {
    const body = `process.on('exit', () => ws.send('last words')); process.exit();`;
    expect(await framesOfChild(implementation, body)).toEqual(['last words']);
  });

  it('send(); throw: what was sent before an uncaught exception is delivered', async () => {
    const body = `process.on('uncaughtException', () => process.exit(1)); ws.send('sent'); throw new Error('after');`;
    expect(await framesOfChild(implementation, body)).toEqual(['sent']);
  });

  it('send(); _socket.write(raw); send(): keeps the order', async () => {
    for (const role of ['server', 'client'] as const) {
      const { ws, peer } = role === 'server' ? await rawClient(implementation) : await rawServer(implementation);
      const raw = (payload: string): Buffer => encodeFrame({ payload, masked: role === 'client' });
      const socket = ws._socket;
      ws.send('1');
      socket.write(raw('2'));
      ws.send('3');
      socket.write(raw('4'));
      ws.ping('5');
      socket.write(raw('6'));
      expect(await texts(peer, 6)).toEqual(['1', '2', '3', '4', '5', '6']);
    }
  });

  it('bufferedAmount: is 0 right after a small send, and after many', async () => {
    const { client, peer } = await pair(implementation);
    for (const ws of [client, peer]) {
      ws.send('small');
      expect(ws.bufferedAmount).toBe(0);
      for (let i = 0; i < 100; i++) ws.send('small');
      expect(ws.bufferedAmount).toBe(0);
    }
  });

  it('bufferedAmount: of a big backlog shrinks to 0', async () => {
    const { client, peer } = await pair(implementation);
    const sent = new Promise((resolve) => {
      for (let i = 0; i < 99; i++) client.send(Buffer.alloc(100_000));
      client.send(Buffer.alloc(100_000), resolve);
    });
    expect(client.bufferedAmount).toBeGreaterThan(0);
    peer.resume();
    await sent;
    expect(client.bufferedAmount).toBe(0);
  });

  it('many sends of one tick: arrive all, in order, callbacks once each in order', async () => {
    const { ws, peer } = await rawClient(implementation);
    const called: number[] = [];
    const all = Promise.all(
      Array.from(
        { length: 1000 },
        (_, i) =>
          new Promise<void>((resolve) => {
            ws.send(`message ${i}`, () => {
              called.push(i);
              resolve();
            });
          }),
      ),
    );
    expect(await texts(peer, 1000)).toEqual(Array.from({ length: 1000 }, (_, i) => `message ${i}`));
    await all;
    expect(called).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('send() without a tick after it: leaves by itself, also from a timer, a promise and an immediate', async () => {
    const { ws, peer } = await rawClient(implementation);
    setTimeout(() => ws.send('timer'), 1);
    expect(await texts(peer, 1)).toEqual(['timer']);
    setImmediate(() => ws.send('immediate'));
    expect(await texts(peer, 1)).toEqual(['immediate']);
    void Promise.resolve().then(() => ws.send('promise'));
    expect(await texts(peer, 1)).toEqual(['promise']);
    process.nextTick(() => ws.send('tick'));
    expect(await texts(peer, 1)).toEqual(['tick']);
  });

  it('send(); then the event loop is blocked: the message has left when the loop was reached once', async () => {
    const body = `
      ws.send('before the block');
      setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGKILL')));
    `;
    expect(await framesOfChild(implementation, body)).toEqual(['before the block']);
  });

  it("send() in 'close' and after it: sends nothing and calls back with an error", async () => {
    const { ws, peer } = await rawClient(implementation);
    const errors: unknown[] = [];
    ws.on('close', () => ws.send('late', (error) => errors.push(error)));
    const closed = event(ws, 'close');
    peer.close(1000);
    await closed;
    await turn();
    expect(errors).toEqual([new Error('WebSocket is not open: readyState 3 (CLOSED)')]);
  });
});
