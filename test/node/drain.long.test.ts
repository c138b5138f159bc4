// The long form of `server.drain()`: 10,000 clients over 10 s, to each of which something is sent just before its Close.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';

const CLIENTS = 10_000;
const SECONDS = 10;
const LAST_WORDS = Buffer.alloc(20_000, 'x');
/** When each close was begun. */
const begun: number[] = [];

/** Says something as it closes, which therefore waits when its Close is sent. */
class Saying extends WebSocket {
  override close(code?: number, reason?: string): void {
    // Called again when the peer's Close has come.
    if (this.readyState === 1) {
      begun.push(performance.now());
      this.send(LAST_WORDS);
    }
    super.close(code, reason);
  }
}

test('10,000 clients are closed over 10 s: no second has more than 13 % of the closes, and nothing is cut', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', backlog: 4096, WebSocket: Saying });
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients = fork(fileURLToPath(new URL('../support/many-clients.mjs', import.meta.url)), [url, String(CLIENTS)]);
  await once(clients, 'message');
  const told = once(clients, 'message') as Promise<[[number, number][]]>;
  expect(await server.drain({ window: SECONDS * 1000 })).toEqual({ closed: CLIENTS, cut: 0 });
  const [ends] = await told;
  const inSecond = Array.from({ length: Math.ceil((begun.at(-1)! - begun[0]) / 1000) }, () => 0);
  for (const [code, bytes] of ends) expect([code, bytes]).toEqual([1012, LAST_WORDS.length]);
  for (const time of begun) inSecond[Math.floor((time - begun[0]) / 1000)]++;
  console.log(`closes in each second: ${inSecond.join(' ')}`);
  expect(Math.max(...inSecond)).toBeLessThanOrEqual(0.13 * CLIENTS);
  server.close();
}, 120_000);
