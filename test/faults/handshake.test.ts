/** Peers that trickle, vanish or crowd in the opening handshake -> answers in time, and no socket or descriptor left. */
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementations, type Name } from '../node/contract/implementations.js';
import { connectRaw, requestHead, requestRaw } from '../support/raw-peer.js';
import { Subject } from './support/subject.js';

describe.each(implementations.map(({ name }) => name))('%s', (name: Name) => {
  const isOurs = name === 'wsimd';
  let subject: Subject;
  beforeAll(async () => {
    subject = await Subject.of(name);
  });
  afterAll(() => subject.stop());

  async function settled(baseline: number): Promise<void> {
    const clean = await subject.do((room, baseline) => room.until(() => room.descriptors() <= baseline), baseline);
    expect(clean, `${subject.descriptors} descriptors, ${baseline} before`).toBe(true);
    expect(subject.complaints).toBe('');
  }

  test('C10 100 handshakes that trickle are ended in time, however often they write, while others connect', async () => {
    if (!isOurs) return;
    const port = await subject.do((room) => room.serve({ handshakeTimeout: 400 }));
    await subject.do((room) => (room.records.length = 0));
    const baseline = subject.descriptors;
    const head = requestHead();
    const answers: Promise<string>[] = [];
    for (let i = 0; i < 100; i++) {
      const socket = net.connect(port, '127.0.0.1');
      let at = 0;
      let answer = '';
      const timer = setInterval(() => socket.write(head[at++ % (head.length - 4)]), 40);
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', () => {});
      answers.push(
        new Promise((resolve) => {
          socket.once('close', () => {
            clearInterval(timer);
            resolve(answer.split('\r\n')[0]);
          });
        }),
      );
    }
    const { peer } = await connectRaw(port);
    for (const line of await Promise.all(answers)) expect(['', 'HTTP/1.1 408 Request Timeout']).toContain(line);
    peer.send({ payload: 'still here' });
    expect((await peer.readFrame()).payload.toString()).toBe('still here');
    peer.socket.destroy();
    await subject.do((room) => room.until(() => room.records[0].closes.length === 1));
    await settled(baseline);
    await subject.do((room) => room.server.close());
  });

  test.each([0, 1, 30])(
    'C11 C13 a reset at any point of a handshake, verifyClient taking %i ms, is no crash and no connection that stays',
    async (delay) => {
      const port = await subject.do((room, delay) => {
        room.records.length = 0;
        const verifyClient = (_info: unknown, answer: (ok: boolean) => void): void => {
          setTimeout(answer, delay, true);
        };
        return room.serve({ verifyClient });
      }, delay);
      const baseline = subject.descriptors;
      const head = requestHead();
      const resets = Array.from({ length: 21 }, (_, point) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.on('error', () => {});
        return new Promise<void>((resolve) => {
          socket.once('close', () => resolve());
          socket.write(head.slice(0, Math.floor((head.length * Math.min(point, 10)) / 10)), () => {
            if (point <= 10) socket.resetAndDestroy();
            else setTimeout(() => socket.resetAndDestroy(), (point - 10) * 4);
          });
        });
      });
      await Promise.all(resets);
      const { peer } = await connectRaw(port);
      peer.close(1000);
      await peer.closed;
      const closes = await subject.do(async (room) => {
        await room.until(() => room.records.every((record) => record.closes.length > 0));
        return room.records.map((record) => record.closes.length);
      });
      expect(closes.every((count) => count === 1)).toBe(true);
      await settled(baseline);
      await subject.do((room) => room.server.close());
    },
  );

  test('C12 500 refusals of every kind leave no descriptor, whether the peer ends its half or not', async () => {
    const port = await subject.do((room) => {
      room.records.length = 0;
      return room.serve({ path: '/good', verifyClient: ({ req }: { req: { url: string } }) => req.url !== '/good?no' });
    });
    const baseline = subject.descriptors;
    const kinds = [
      { line: 'GET / HTTP/1.1', status: 400 },
      { line: 'GET /good?no HTTP/1.1', status: 401 },
      { line: 'POST /good HTTP/1.1', status: 405 },
      { line: 'GET /good HTTP/1.1', headers: { 'Sec-WebSocket-Key': 'short' }, status: 400 },
      { line: 'GET /good HTTP/1.1', headers: { 'Sec-WebSocket-Version': '99' }, status: 400 },
    ];
    for (let round = 0; round < 10; round++) {
      const peers = Array.from({ length: 50 }, (_, i) => {
        const { line, headers, status } = kinds[i % kinds.length];
        return { status, peer: requestRaw(port, { requestLine: line, headers, endWithPeer: i % 2 === 0 }) };
      });
      for (const { peer, status } of peers) {
        expect(await peer.readHead()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
        await peer.ended;
      }
      await subject.do((room, limit) => room.until(() => room.descriptors() <= limit), baseline);
      for (const { peer } of peers) peer.socket.destroy();
    }
    await settled(baseline);
    await subject.do((room) => room.server.close());
  });

  test('C14 server.close() in the midst of 100 handshakes: each is open, refused or cut off, and the server closes', async () => {
    const port = await subject.do((room) => {
      room.records.length = 0;
      const verifyClient = (_info: unknown, answer: (ok: boolean) => void): void => {
        setTimeout(answer, Math.random() * 40, true);
      };
      return room.serve({ verifyClient });
    });
    const baseline = subject.descriptors;
    const outcomes = Array.from({ length: 100 }, async () => {
      const peer = requestRaw(port);
      const head = await peer.readHead().catch(() => 'cut off');
      if (head.startsWith('HTTP/1.1 101')) peer.close(1000);
      await peer.closed;
      return head.split('\r\n')[0].replace('HTTP/1.1 ', '');
    });
    const closed = subject.do(async (room) => {
      await room.wait(20);
      let isClosed = false;
      room.server.close(() => (isClosed = true));
      return room.until(() => isClosed);
    });
    // 426: the server had stopped taking upgrades.
    const allowed = ['101 Switching Protocols', '503 Service Unavailable', '426 Upgrade Required', 'cut off'];
    for (const outcome of await Promise.all(outcomes)) expect(allowed).toContain(outcome);
    // ws keeps the connections that it answered with 426 for five seconds more.
    if (!isOurs) return;
    expect(await closed).toBe(true);
    await settled(baseline - 1);
  });

  test('C06 what is pipelined behind an upgrade is never answered as a request', async () => {
    const port = await subject.do((room) => room.serve());
    const bodies = [
      { 'Content-Length': '40' },
      { 'Transfer-Encoding': 'chunked' },
      { 'Content-Length': '0' },
    ] as Record<string, string>[];
    for (const headers of bodies) {
      const peer = requestRaw(port, { headers, after: Buffer.from('GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n') });
      const isBody = !('Content-Length' in headers) || headers['Content-Length'] !== '0';
      // ws answers 101 and reads the body as frames; where Node takes the body away, it waits for more.
      const answer = isOurs || !isBody ? (await peer.readToEnd()).toString('latin1') : await peer.readHead();
      expect(answer.split('HTTP/1.1 ').length - 1, JSON.stringify(headers)).toBe(1);
      expect(answer.slice(9, 12)).toBe(isOurs && isBody ? '400' : '101');
      peer.socket.destroy();
    }
    await subject.do((room) => room.server.close());
  });
});
