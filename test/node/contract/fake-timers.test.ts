/** The contract with `ws`: which timers an application sees that has replaced the global ones, as test runners do. */
import net from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { contract, dial, ending, event, listen, message } from './harness.js';
import type { Client } from './implementations.js';

contract('fake timers', (implementation) => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('fake timers: none is left or started by a conversation, on either side', async () => {
    const { server, url } = await listen(implementation);
    server.on('connection', (ws: Client) => ws.on('message', (data: Buffer) => ws.send(data)));
    const client = dial(implementation, url, { handshakeTimeout: 5000 });
    const counts = [vi.getTimerCount()];
    await event(client, 'open');
    counts.push(vi.getTimerCount());
    client.send('x');
    await message(client);
    counts.push(vi.getTimerCount());
    const end = ending(client);
    const left = [...server.clients].map((ws) => ending(ws));
    client.close();
    await Promise.all([end, ...left]);
    counts.push(vi.getTimerCount());
    expect(counts).toEqual([0, 0, 0, 0]);
  });

  it('fake timers: handshakeTimeout runs by the real time', async () => {
    const silent = net.createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as net.AddressInfo;
    const client = dial(implementation, `ws://127.0.0.1:${port}`, { handshakeTimeout: 600 });
    const end = ending(client);
    const accepted = event<[net.Socket]>(silent, 'connection');
    vi.advanceTimersByTime(60_000);
    expect(client.readyState).toBe(0);
    expect(await end).toMatchObject({ code: 1006, error: { message: 'Opening handshake has timed out' } });
    (await accepted)[0].destroy();
    silent.close();
  });
});
