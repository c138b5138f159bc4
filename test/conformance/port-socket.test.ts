// A socket whose bytes go over a port: nothing is lost or added, neither side runs full, and the end of one is the end of the other.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { carry, PortSocket } from '../../src/conformance/port-socket.js';

const open = new Set<{ destroy: () => void }>();

afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
});

/** A peer over TCP, and the other end of its connection behind a port. */
async function pair(): Promise<{ peer: Socket; real: Socket; far: PortSocket }> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [real] = (await once(server, 'connection')) as [Socket];
  server.close();
  real.on('error', () => undefined);
  peer.on('error', () => undefined);
  const { port1, port2 } = new MessageChannel();
  carry(real, port1);
  const far = new PortSocket(port2);
  for (const socket of [peer, real, far]) open.add(socket);
  return { peer, real, far };
}

function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
}

/** The first bytes that come, as many as that. */
function take(socket: Socket | PortSocket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let have = 0;
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      parts.push(Buffer.from(chunk));
      have += chunk.length;
      if (have >= length) resolve(Buffer.concat(parts));
    });
  });
}

test('bytes go both ways unchanged, and those of a slice alone', async () => {
  const { peer, far } = await pair();
  const sent = pattern(3_000_000);
  const kept = Buffer.from(sent);
  far.write(sent.subarray(0, 5));
  far.write(Buffer.from(sent.subarray(5)));
  expect((await take(peer, sent.length)).equals(kept)).toBe(true);
  peer.write(kept);
  expect((await take(far, sent.length)).equals(kept)).toBe(true);
  // The memory of a slice stays with its owner.
  expect(sent.equals(kept)).toBe(true);
});

test('a peer that does not read stops the writer, and one that sends fills no thread', async () => {
  const { peer, real, far } = await pair();
  peer.pause();
  const chunk = pattern(256 * 1024);
  let written = 0;
  let full = false;
  for (let count = 0; count < 200 && !full; count++) {
    full = !far.write(Buffer.from(chunk), () => written++);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect(full).toBe(true);
  peer.resume();
  await once(far, 'drain');
  expect(written).toBeGreaterThan(3);
  expect(real.destroyed).toBe(false);
});

test('what was written before the end arrives, and then both are gone', async () => {
  const { peer, far } = await pair();
  const sent = pattern(1_000_000);
  const arrived = take(peer, sent.length);
  far.write(Buffer.from(sent));
  far.end(() => far.destroy());
  const closed = once(far, 'close');
  expect((await arrived).equals(sent)).toBe(true);
  await closed;
});

test('the end of either is the end of the other', async () => {
  const one = await pair();
  one.far.resume();
  one.peer.destroy();
  await once(one.far, 'close');
  const other = await pair();
  other.peer.resume();
  other.far.destroy();
  await once(other.peer, 'close');
  expect(other.real.destroyed).toBe(true);
});
