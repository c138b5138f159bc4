// `server.drain()`: clients are told to come back later, one after another, and lose nothing that was sent before.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';

async function serve(
  count: number,
  options: ConstructorParameters<typeof WebSocketServer>[0] = {},
): Promise<{ server: WebSocketServer; url: string; clients: WebSocket[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients = Array.from({ length: count }, () => new WebSocket(url));
  await Promise.all(clients.map((client) => once(client, 'open')));
  return { server, url, clients };
}

describe('drain', () => {
  test('spreads the closes over the window, and lets what is queued leave', async () => {
    const { server, clients } = await serve(100);
    const received = clients.map((client) => once(client, 'message'));
    const since = performance.now();
    const closes = clients.map(async (client) => {
      const [code, reason] = (await once(client, 'close')) as [number, Buffer];
      return { code, reason: reason.toString(), time: performance.now() - since };
    });
    for (const socket of server.clients!) socket.send(Buffer.alloc(100_000));
    expect(await server.drain({ reason: 'deploy', window: 1000 })).toEqual({ closed: 100, cut: 0 });
    for (const [message] of (await Promise.all(received)) as [Buffer][]) expect(message.length).toBe(100_000);
    const ends = await Promise.all(closes);
    for (const { code, reason } of ends) expect([code, reason]).toEqual([1012, 'deploy']);
    const times = ends.map(({ time }) => time).sort((a, b) => a - b);
    // Never before their turn, whatever else the machine does; the last just before the end of the window.
    for (const [index, time] of times.entries()) expect(time).toBeGreaterThan(index * 10 - 25);
    server.close();
  });

  test('answers with 503 and Retry-After meanwhile', async () => {
    const { server, url } = await serve(1);
    const drained = server.drain({ window: 0, timeout: 0 });
    const late = new WebSocket(url);
    const [request, response] = (await once(late, 'unexpected-response')) as [{ destroy(): void }, IncomingMessage];
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1']);
    request.destroy();
    await drained;
    server.close();
  });

  test('cuts off those that do not end in time, and counts them', async () => {
    const { server, clients } = await serve(2);
    clients[0].pause();
    expect(await server.drain({ window: 0, timeout: 100 })).toEqual({ closed: 1, cut: 1 });
    expect(server.clients!.size).toBe(0);
    clients[0].terminate();
    server.close();
  });

  test('ends all although methods of a subclass throw, and rejects with what the first has thrown', async () => {
    class Throwing extends WebSocket {
      override close(...why: Parameters<WebSocket['close']>): void {
        if (this.readyState === 1) throw new Error('close');
        super.close(...why);
      }

      override terminate(...given: unknown[]): void {
        told.push(given);
        throw new Error('terminate');
      }
    }
    const told: unknown[][] = [];
    const { server, clients } = await serve(3, { WebSocket: Throwing });
    clients[1].pause();
    const closes = [0, 2].map((index) => once(clients[index], 'close') as Promise<[number]>);
    await expect(server.drain({ window: 0, timeout: 200 })).rejects.toThrow('close');
    expect((await Promise.all(closes)).map(([code]) => code)).toEqual([1012, 1012]);
    expect([server.clients!.size, told]).toEqual([0, [[]]]);
    clients[1].terminate();
    server.close();
  });

  test('lets all leave that slow clients have not read yet', async () => {
    const { server, clients } = await serve(3);
    const received = clients.map(() => 0);
    for (const [index, client] of clients.entries()) {
      client.pause();
      client.on('message', (data: Buffer) => (received[index] += data.length));
    }
    for (const socket of server.clients!) for (let i = 0; i < 8; i++) socket.send(Buffer.alloc(1024 * 1024));
    const drained = server.drain({ window: 50 });
    await delay(200);
    for (const client of clients) client.resume();
    expect(await drained).toEqual({ closed: 3, cut: 0 });
    expect(received).toEqual(clients.map(() => 8 * 1024 * 1024));
    server.close();
  });

  test('counts connections whose listeners the application has taken off', async () => {
    const { server } = await serve(2);
    const drained = server.drain({ window: 100 });
    for (const socket of server.clients!) socket.removeAllListeners();
    expect(await drained).toEqual({ closed: 2, cut: 0 });
    server.close();
  });

  test('closes what a closed server has left open, and listens no more', async () => {
    const { server, url, clients } = await serve(2);
    server.close();
    const late = new WebSocket(url);
    expect(((await once(late, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNREFUSED');
    expect(clients.map(({ readyState }) => readyState)).toEqual([1, 1]);
    const closed = once(server, 'close');
    expect(await server.drain({ window: 0 })).toEqual({ closed: 2, cut: 0 });
    await closed;
  });

  test('says how many seconds the window has, goes on once begun, and leaves other servers alone', async () => {
    const [one, two] = [await serve(2), await serve(1)];
    const first = one.server.drain({ window: 1200 });
    expect(one.server.drain({ window: 0 })).toBe(first);
    const late = new WebSocket(one.url);
    const [request, response] = (await once(late, 'unexpected-response')) as [{ destroy(): void }, IncomingMessage];
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '2']);
    request.destroy();
    const other = new WebSocket(two.url);
    await once(other, 'open');
    expect(await Promise.all([first, two.server.drain({ window: 0 })])).toEqual([
      { closed: 2, cut: 0 },
      { closed: 2, cut: 0 },
    ]);
    one.server.close();
    two.server.close();
  });

  test('without clientTracking there is nothing that it could close, and it says so', () => {
    const server = new WebSocketServer({ noServer: true, clientTracking: false });
    expect(() => server.drain()).toThrow('With "clientTracking: false" the server knows no clients to close');
  });

  test('resolves at once without connections, and throws for what cannot be honoured', async () => {
    const server = new WebSocketServer({ noServer: true });
    expect(() => server.drain({ code: 1005 })).toThrow(TypeError);
    expect(() => server.drain({ reason: 'x'.repeat(124) })).toThrow(RangeError);
    expect(() => server.drain({ window: -1 })).toThrow(RangeError);
    expect(await server.drain()).toEqual({ closed: 0, cut: 0 });
  });
});
