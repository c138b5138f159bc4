/** Peers that go in every way at every byte of a conversation: exactly one 'close', in time, and nothing left open. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { implementations, type Name } from '../node/contract/implementations.js';
import { runsLong } from '../support/long.js';
import type { RawRole } from '../support/raw-peer.js';
import { answer, opening, steps } from './support/session.js';
import { Subject, type Facts } from './support/subject.js';

const TIMEOUT = 300;
/** When all is over on a loaded machine too. */
const SLACK = 5000;

/** How the peer goes, or what is done to a subject whose peer stays and says nothing more. */
type Fault = 'RST' | 'FIN' | 'kill -9' | 'stall' | 'pause then close' | 'blackhole';

/** One connection that is cut somewhere. Bytes below 0 belong to the handshake. */
interface Cut {
  path: string;
  octets: number;
  /** The subject has more to send than the peer, which does not read, takes. */
  backlog: boolean;
}

const SENT = 32 * 1024 * 1024;

/** Where to cut: at every byte, or at the borders of the steps and within each. */
function cuts(role: RawRole, everywhere: boolean): Cut[] {
  const list: number[] = [-2, -1, 0];
  let end = 0;
  for (const { octets } of steps(role)) {
    if (everywhere) for (let at = end + 1; at <= end + octets.length; at++) list.push(at);
    else list.push(end + 1, end + Math.ceil(octets.length / 2), end + octets.length);
    end += octets.length;
  }
  const atEnd = steps(role).at(-1)!.octets.length;
  return [
    ...list.map((octets) => ({ path: `/${octets}`, octets, backlog: false })),
    { path: '/backlog', octets: end - atEnd, backlog: true },
  ];
}

/** How many messages have come after so many bytes. */
function messagesAt(role: RawRole, octets: number): number {
  let end = 0;
  return steps(role).filter((step) => (end += step.octets.length) <= octets && step.message === true).length;
}

function isClosedAt(role: RawRole, octets: number): boolean {
  return octets === steps(role).reduce((sum, step) => sum + step.octets.length, 0);
}

/** Lets the peer connect to `port`, or be connected to, and write each cut's part of the session. */
function play(peer: Subject, role: RawRole, port: number, list: Cut[]): Promise<number> {
  const frames = Buffer.concat(steps(role).map(({ octets }) => octets));
  const heads = list.map((cut) => ({ ...cut, head: role === 'client' ? opening(cut.path) : answer() }));
  return peer.do(
    (room, role, port, cuts, frames) => room.session.play(role, port, cuts, Buffer.from(frames, 'base64')),
    role,
    port,
    heads,
    frames.toString('base64'),
  );
}

/** Lets the peer do to each of its connections what it can do by itself. */
async function strike(peer: Subject, fault: Fault): Promise<void> {
  if (fault === 'kill -9') await peer.stop();
  if (fault === 'RST') await peer.do((room) => room.session.strike('resetAndDestroy'));
  if (fault === 'FIN') await peer.do((room) => room.session.strike('end'));
}

const ROLES = ['client', 'server'] as const;
const FAULTS: readonly Fault[] = ['RST', 'FIN', 'kill -9', 'stall', 'pause then close', 'blackhole'];

describe.each(implementations.map(({ name }) => name))('%s', (name: Name) => {
  let subject: Subject;
  const peers: Subject[] = [];
  beforeAll(async () => {
    subject = await Subject.of(name);
  });
  afterAll(async () => {
    for (const peer of peers) await peer.stop();
    await subject.stop();
  });

  describe.each(ROLES)('a peer that is a %s', (role) => {
    test.each(FAULTS)(
      'E01 E02 E03 E04 E05 E08 %s at every step: one close, in time, and no descriptor left',
      async (fault) => {
        // A peer that vanishes is noticed by ours alone, a server of ws lets handshakes trickle for a minute, and a FIN from
        // a peer that does not read keeps ws for ever.
        if (fault === 'blackhole' && name === 'ws') return;
        let list = cuts(role, runsLong && (fault === 'RST' || fault === 'FIN'));
        if (name === 'ws' && role === 'client') list = list.filter(({ octets }) => octets >= 0);
        if (name === 'ws' && fault === 'FIN') list = list.filter(({ backlog }) => !backlog);

        const peer = await Subject.start(undefined);
        peers.push(peer);
        const heartbeat = fault === 'blackhole' ? { interval: TIMEOUT / 2, timeout: TIMEOUT / 2 } : undefined;
        // Where nothing else ends a handshake, this does.
        const handshakeTimeout = fault === 'stall' || fault === 'pause then close' || heartbeat ? 1000 : 60_000;
        const options = { closeTimeout: TIMEOUT, handshakeTimeout, perMessageDeflate: true, heartbeat };
        let port = 0;
        if (role === 'client') {
          port = await subject.do((room, options) => ((room.records.length = 0), room.serve(options)), options);
        }
        const baseline = subject.descriptors;
        port = await play(peer, role, port, list);
        if (role === 'server') {
          await subject.do(
            (room, port, options, paths) => {
              room.records.length = 0;
              for (const path of paths) room.dial(`ws://127.0.0.1:${port}${path}`, options);
            },
            port,
            options,
            list.map(({ path }) => path),
          );
        }

        // Each connection is where it is to be cut.
        const due = Object.fromEntries(
          list.map(({ path, octets }) => [path, { messages: messagesAt(role, octets), opens: Number(octets >= 0) }]),
        );
        const arrived = await subject.do(
          (room, due, isServer) =>
            room.until(
              () =>
                Object.entries(due).every(([path, { messages, opens }]) => {
                  const record = room.records.find(({ name }) => name === path);
                  if (record === undefined) return isServer && opens === 0;
                  return record.messages >= messages && (isServer || record.opens >= opens);
                }),
              10_000,
            ),
          due,
          role === 'client',
        );
        expect(arrived).toBe(true);
        await subject.do((room, octets) => {
          const record = room.records.find(({ name }) => name === '/backlog');
          if (record !== undefined) room.send(record, Buffer.alloc(octets, 5), { compress: false });
        }, SENT);

        const began = performance.now();
        await strike(peer, fault);
        if (fault === 'stall' || fault === 'pause then close') {
          await subject.do((room, pauses) => {
            for (const { ws } of room.records) {
              if (pauses) ws.pause();
              if (ws.readyState !== ws.CONNECTING) ws.close(1001);
            }
          }, fault === 'pause then close');
        }
        const allClosed = await subject.do(
          (room, limit) => room.until(() => room.records.every(({ closes }) => closes.length > 0), limit),
          SLACK,
        );
        const took = performance.now() - began;
        // ws tells callbacks of what it was compressing after 'close'.
        if (name === 'ws') {
          await subject.do((room) => room.until(() => room.records.every(({ sends, told }) => told.length === sends)));
        }
        const facts: Facts[] = await subject.do((room) => room.records.map(room.facts));
        const open = facts.filter(({ closes }) => closes.length !== 1).map(({ name, closes }) => ({ name, closes }));
        expect(open, `after ${took.toFixed()} ms`).toEqual([]);
        expect(allClosed).toBe(true);
        for (const { name: path, closes, errors, sends, told, messages } of facts) {
          const { octets } = list.find((cut) => cut.path === path)!;
          expect(closes, path).toEqual([isClosedAt(role, octets) ? 1000 : 1006]);
          // A client that never opened says why; a connection that was open and is cut off says nothing.
          expect(errors.length, `${path}: ${errors.join()}`).toBe(role === 'server' && octets < 0 ? 1 : 0);
          expect(messages, path).toBe(messagesAt(role, octets));
          expect(told, path).toEqual(Array.from({ length: sends }, (_, i) => i));
        }
        expect(facts.length).toBe(role === 'server' ? list.length : list.filter(({ octets }) => octets >= 0).length);
        const clean = await subject.do(
          (room, baseline) => room.until(() => room.descriptors() <= baseline, 4000),
          baseline,
        );
        expect(clean, `${subject.descriptors} descriptors, ${baseline} before`).toBe(true);
        expect(subject.complaints).toBe('');
        if (role === 'client') await subject.do((room) => room.server.close());
      },
    );
  });
});
