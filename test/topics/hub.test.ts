// A hub listens again where one was killed, and not where one listens.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { clusterBroker } from '../../src/topics/brokers/cluster.js';
import { encodeFrame, encodeOffset, HubKind } from '../../src/topics/brokers/hub-wire.js';
import { startHub } from '../../src/topics/brokers/hub.js';
import { Topics } from '../../src/topics/index.js';

function socketPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-hub-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'hub.sock');
}

test('takes the path of a hub that was killed', async () => {
  const path = socketPath();
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', program]);
  expect(existsSync(path)).toBe(true);
  const hub = await startHub({ path });
  await hub.close();
});

test('leaves the path to a hub that listens there', async () => {
  const path = socketPath();
  const hub = await startHub({ path });
  await expect(startHub({ path })).rejects.toThrow('EADDRINUSE');
  await hub.close();
});

const SHORT_READ = Buffer.of(7, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0);

test.each([
  ['no frame', Buffer.alloc(4)],
  ['a read of nothing', SHORT_READ],
  ['a long frame', Buffer.alloc(4, 255)],
])('ends a connection that sends %s, and no other', async (_, bytes) => {
  const path = socketPath();
  const hub = await startHub({ path, history: true });
  const topics = new Topics({ broker: clusterBroker({ path, history: true }), checkInterval: 0 });
  const socket = connect(path);
  socket.write(bytes);
  await once(socket, 'close');
  expect(await topics.publish('a', 'x')).not.toBe('');
  await topics.close();
  await hub.close();
});

test('a read from between two entries, answered later than it came, is one from the first', async () => {
  const path = socketPath();
  const hub = await startHub({ path, history: true });
  const socket = connect(path);
  const offsets = (from: number): Buffer => Buffer.concat([encodeOffset(from), encodeOffset(1e9)]);
  let length = 0;
  socket.write(encodeFrame(HubKind.Publish, 1, 'a', Buffer.alloc(4_000_000)));
  for (const from of [1, 1, 1.5]) socket.write(encodeFrame(HubKind.Read, 2, 'a', offsets(from)));
  socket.on('data', (chunk: Buffer) => (length += chunk.length));
  await vi.waitUntil(() => length > 12_000_000, 10_000);
  socket.destroy();
  await hub.close();
});

test('what is no hub at the path is a broker that is down', async () => {
  const path = socketPath();
  const server = createServer((socket) => socket.end(Buffer.alloc(4)));
  server.listen(path);
  await once(server, 'listening');
  const topics = new Topics({ broker: clusterBroker({ path }), checkInterval: 0 });
  await once(topics, 'brokerDown');
  await topics.close();
  server.close();
});
