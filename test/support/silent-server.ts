// `expectTenSeconds` checks that a command gives a server that says nothing 10 s to answer its opening request.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';

/** @param begin starts the command against a URL, and rejects as it does */
export async function expectTenSeconds(begin: (url: string) => Promise<unknown>): Promise<void> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let hasFailed = false;
  const failure = expect(begin(url).finally(() => (hasFailed = true))).rejects.toThrow(
    `Cannot connect to ${url}: Opening handshake has timed out.`,
  );
  const [socket] = (await once(server, 'connection')) as [Socket];
  await once(socket, 'data');
  vi.advanceTimersByTime(9999);
  await new Promise((resolve) => setImmediate(resolve));
  expect(hasFailed).toBe(false);
  vi.advanceTimersByTime(1);
  await failure;
}
