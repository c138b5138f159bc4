/** The contract with `ws`: what ws's own suite does not notice when it breaks, as far as no other contract file looks at it. */
import { execFile } from 'node:child_process';
import http from 'node:http';
import { promisify } from 'node:util';
import { expect, it, vi } from 'vitest';
import { encodeFrame, RAW_KEY, type RawFrame } from '../../support/raw-peer.js';
import {
  contract,
  dial,
  duplexPair,
  ending,
  event,
  listenHttp,
  ownedServer,
  rawClient,
  rawServer,
  turn,
} from './harness.js';
import type { Client, Implementation } from './implementations.js';

const run = promisify(execFile);

/** A server's WebSocket with all defaults over a Duplex, and the other end of it. */
async function upgraded(implementation: Implementation): Promise<{ ws: Client; push: (chunk: Buffer) => void }> {
  const [socket] = duplexPair();
  const server = ownedServer(new implementation.WebSocketServer({ noServer: true }));
  const headers = {
    upgrade: 'websocket',
    connection: 'upgrade',
    'sec-websocket-key': RAW_KEY,
    'sec-websocket-version': '13',
  };
  const request = { method: 'GET', url: '/', headers, socket } as unknown as http.IncomingMessage;
  const ws = await new Promise<Client>((resolve) => {
    server.handleUpgrade(request, socket, Buffer.alloc(0), resolve);
  });
  await turn();
  return { ws, push: (chunk) => void socket.push(chunk) };
}

/** The order in which two compressions end, a long one begun before a short one, in a process of its own. */
async function compressionOrder(implementation: Implementation, limits: (number | undefined)[]): Promise<string> {
  const program = `
    const { PerMessageDeflate } = await import(${JSON.stringify(await implementation.childModule())});
    const [a, b] = ${JSON.stringify(limits)}.map((limit) => {
      const made = new PerMessageDeflate({ ...(limit && { concurrencyLimit: limit }) });
      made.accept([{}]);
      return made;
    });
    const order = [];
    await Promise.all([
      new Promise((done) => a.compress(Buffer.alloc(8_000_000, 'varied text '), true, () => done(order.push('long')))),
      new Promise((done) => b.compress(Buffer.from('x'), true, () => done(order.push('short')))),
    ]);
    console.log(order.join());
    process.exit();
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
  return stdout.trim();
}

contract('unnoticed by ws', (implementation) => {
  it('close timer: really destroys the socket of both roles', async () => {
    for (const { ws, peer } of [
      await rawClient(implementation, { closeTimeout: 60 }, { endWithPeer: false }),
      await rawServer(implementation, { closeTimeout: 60 }, { endWithPeer: false }),
    ]) {
      const end = ending(ws);
      const socket = ws._socket;
      ws.close(1000);
      expect((await end).code).toBe(1006);
      expect(socket.destroyed).toBe(true);
      await peer.ended;
    }
  });

  it('maxBufferedChunks: the default is 262144 (D5)', async () => {
    const { ws, push } = await upgraded(implementation);
    const end = ending(ws);
    const header = encodeFrame({ opcode: 2, announce: 270_000, masked: true, key: Buffer.alloc(4) });
    push(header);
    const octet = Buffer.of(1);
    for (let i = 0; i < 265_000; i++) push(octet);
    await turn();
    ws.terminate();
    expect((await end).error?.code).toBe(
      implementation.differs('D5', { ws: 'WS_ERR_TOO_MANY_BUFFERED_PARTS', wsimd: undefined }),
    );
  });

  it('echo: the code of the peer’s Close is echoed, by both roles', async () => {
    for (const { peer } of [await rawClient(implementation), await rawServer(implementation)]) {
      peer.close(4567, 'mirror');
      expect(await peer.readClose()).toEqual({ code: 4567, reason: 'mirror' });
    }
  });

  it('masks: are random for every frame', async () => {
    const { ws, peer } = await rawServer(implementation);
    const frames: RawFrame[] = [];
    for (let i = 0; i < 3000; i++) ws.send('x');
    while (frames.length < 3000) frames.push(await peer.readFrame());
    const keys = frames.map(({ key }) => key.readUInt32BE(0));
    // Of 3000 random keys of 32 bits at most a few are equal.
    expect(new Set(keys).size).toBeGreaterThan(2990);
    for (let bit = 0; bit < 32; bit++) {
      const ones = keys.filter((key) => (key >>> bit) & 1).length;
      expect(Math.abs(ones - 1500), `bit ${bit}`).toBeLessThan(200);
    }
  });

  it('masks: are random from connection to connection', async () => {
    const keys: string[] = [];
    for (let i = 0; i < 4; i++) {
      const { ws, peer } = await rawServer(implementation);
      ws.send('x');
      keys.push((await peer.readFrame()).key.toString('hex'));
    }
    expect(new Set(keys).size).toBe(4);
  });

  it('concurrencyLimit: is one for the whole process, the first instance’s value wins for ever', async () => {
    const held = implementation.differs('D12', { ws: 'long,short', wsimd: 'short,long' });
    expect(await compressionOrder(implementation, [1, 10])).toBe(held);
    expect(await compressionOrder(implementation, [10, 1])).toBe('short,long');
  });

  it('concurrencyLimit: is more than 1 by default', async () => {
    expect(await compressionOrder(implementation, [undefined, undefined])).toBe('short,long');
  });

  it('close() of an external-server wss: waits for its clients', async () => {
    const { server: httpServer, url } = await listenHttp();
    const server = new implementation.WebSocketServer({ server: httpServer });
    const client = dial(implementation, url);
    await event(client, 'open');
    const closed = vi.fn();
    server.close(closed);
    await turn();
    await turn();
    expect(closed).not.toHaveBeenCalled();
    client.terminate();
    await vi.waitUntil(() => closed.mock.calls.length === 1);
  });
});
