/** A host without descriptors, a process that is stopped or told to end, a thread that is gone -> what is left goes on. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementations, type Name } from '../node/contract/implementations.js';
import { connectRaw, requestRaw } from '../support/raw-peer.js';
import { Subject } from './support/subject.js';

describe.each(implementations.map(({ name }) => name))('%s', (name: Name) => {
  const isOurs = name === 'wsimd';
  let subject: Subject;
  beforeAll(async () => {
    subject = await Subject.of(name);
  });
  afterAll(() => subject.stop());

  test('F01 a server without descriptors lives, and takes connections once there are some; a client gets an error', async () => {
    const starved = await Subject.of(name);
    const port = await starved.do((room) => room.serve());
    const limit = starved.descriptors + 6;
    const set = spawnSync('prlimit', ['--pid', String(starved.pid), `--nofile=${limit}:1024`]);
    if (set.error !== undefined) {
      console.log('F01 not run: prlimit is not installed');
      return starved.stop();
    }
    const peers = Array.from({ length: 12 }, () => requestRaw(port));
    await starved.do((room) => room.until(() => room.records.length >= 4));
    // Whom the server cannot take any more is cut off.
    await Promise.race(peers.map(({ closed }) => closed));
    const errors = await starved.do(async (room, port) => {
      const record = room.dial(`ws://127.0.0.1:${port}/`);
      await room.until(() => record.closes.length > 0);
      return record.errors;
    }, port);
    expect(errors).toEqual(['EMFILE']);
    for (const peer of peers) peer.socket.destroy();
    spawnSync('prlimit', ['--pid', String(starved.pid), '--nofile=1024:1024']);
    const { peer } = await connectRaw(port);
    peer.send({ payload: 'alive' });
    expect((await peer.readFrame()).payload.toString()).toBe('alive');
    peer.socket.destroy();
    expect(starved.complaints).toBe('');
    await starved.stop();
  });

  test('F06 workers that are terminated in the midst of traffic: their sockets close, and the process goes on', async () => {
    const port = await subject.do((room) => room.serve());
    const ended = await subject.do(
      async (room, port, moduleUrl) => {
        const { Worker } = process.getBuiltinModule('node:worker_threads');
        const program = `
        const { WebSocket } = await import(${JSON.stringify(moduleUrl)});
        const ws = new WebSocket('ws://127.0.0.1:${port}/', { perMessageDeflate: false });
        ws.on('open', () => ws.send(Buffer.alloc(100_000, 1)));
        ws.on('message', (data) => ws.send(data));
      `;
        for (let i = 0; i < 6; i++) {
          const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
          await room.until(() => room.records.length > i && room.records[i].messages > 2);
          await worker.terminate();
        }
        return room.until(() => room.records.every(({ closes }) => closes.length === 1));
      },
      port,
      subject.moduleUrl!,
    );
    expect(ended).toBe(true);
    expect(subject.complaints).toBe('');
    await subject.do((room) => room.server.close());
  });

  test('F07 E08 a process that was stopped ends no connection whose answer lies in the socket, and loses nothing', async () => {
    const port = await subject.do((room) => {
      room.records.length = 0;
      return room.serve({ heartbeat: { interval: 100, timeout: 100 } });
    });
    const { peer } = await connectRaw(port);
    for (let i = 0; i < 3; i++) {
      process.kill(subject.pid, 'SIGSTOP');
      for (let n = 0; n < 50; n++) peer.send({ payload: `${i} ${n}` }, { opcode: 10 });
      await new Promise((resolve) => {
        setTimeout(resolve, 500);
      });
      process.kill(subject.pid, 'SIGCONT');
      for (let n = 0; n < 50;) {
        const { opcode, payload } = await peer.readFrame();
        if (opcode === 9) peer.send({ opcode: 10, payload });
        else expect(payload.toString()).toBe(`${i} ${n++}`);
      }
    }
    const facts = await subject.do((room) => room.facts(room.records[0]));
    expect(facts).toMatchObject({ messages: 150, closes: [], errors: [], state: 1 });
    peer.socket.destroy();
    await subject.do((room) => room.server.close());
  });

  test('F08 a server that is told to end closes its connections with 1001, and the process ends by itself', async () => {
    const ending = await Subject.of(name);
    const port = await ending.do((room) => {
      process.once('SIGTERM', () => {
        room.server.close(() => process.disconnect());
        for (const ws of room.server.clients) ws.close(1001);
      });
      return room.serve({ closeTimeout: 500 });
    });
    const peers = await Promise.all(Array.from({ length: 100 }, () => connectRaw(port)));
    const deaf = await connectRaw(port, { endWithPeer: false });
    process.kill(ending.pid, 'SIGTERM');
    const codes = peers.map(async ({ peer }) => {
      const { code } = await peer.readClose();
      peer.close(code);
      await peer.closed;
      return code;
    });
    expect(new Set(await Promise.all(codes))).toEqual(new Set([1001]));
    await deaf.peer.ended;
    deaf.peer.socket.destroy();
    expect(await ending.ended).toEqual({ status: 0, signal: null });
    expect(ending.complaints).toBe('');
  });

  test('E05 heartbeat: a peer that answers nothing is ended in interval + timeout, one that answers is not', async () => {
    if (!isOurs) return;
    const port = await subject.do((room) => {
      room.records.length = 0;
      return room.serve({ heartbeat: { interval: 80, timeout: 80 } });
    });
    const { peer: silent } = await connectRaw(port);
    const { peer: good } = await connectRaw(port);
    let pings = 0;
    const answering = (async () => {
      for (;;) {
        const frame = await good.readFrame();
        pings++;
        good.send({ opcode: 10, payload: frame.payload });
      }
    })().catch(() => {});
    await silent.closed;
    await subject.do((room) => room.until(() => room.records[0].closes.length === 1));
    expect(await subject.do((room) => room.records.map(({ closes }) => closes))).toEqual([[1006], []]);
    expect(pings).toBeGreaterThan(0);
    good.socket.destroy();
    await answering;
    await subject.do((room) => room.server.close());
  });
});
