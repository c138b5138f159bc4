// Which pongs are judged: those with the payload of a ping of the case, valid or not. RFC 6455 5.5.3 allows others.
import { expect, test } from 'vitest';
import { send } from '../../src/conformance/case.js';
import { ALL_CASES } from '../../src/conformance/cases/index.js';
import { examineServer } from '../../src/conformance/examine-server.js';
import type { Frame } from '../../src/conformance/fuzz/reading.js';
import { streamCase } from '../../src/conformance/fuzz/stream-case.js';
import { type CaseResult } from '../../src/conformance/index.js';
import { call } from '../../src/conformance/knock.js';
import { serverOf } from '../../src/conformance/server-plan.js';
import { Opcode } from '../../src/conformance/wire.js';
import { closeCode, listenRaw, type RawFrame, type RawPeer, responseHead } from '../support/raw-peer.js';
import { examine } from './support/peers.js';

/** How a server treats frames other than Close, which it answers. */
interface Server {
  greeting?: string;
  frame: (frame: RawFrame, peer: RawPeer, before: readonly RawFrame[]) => void;
}

/** Runs a server while `body` uses it. */
async function beside<Result>({ greeting, frame }: Server, body: (url: string) => Promise<Result>): Promise<Result> {
  const { port, stop } = await listenRaw((peer, request) => {
    const frames: RawFrame[] = [];
    const serve = async (): Promise<void> => {
      for (;;) {
        const one = await peer.readFrame();
        if (one.opcode === Opcode.Close) return leave(peer, 1000);
        frame(one, peer, frames);
        frames.push(one);
      }
    };
    peer.write(responseHead(request));
    if (greeting !== undefined) pong(peer, greeting);
    // The stream ends inside a frame when the examiner drops it.
    serve().catch(() => undefined);
  });
  try {
    return await body(`ws://127.0.0.1:${port}`);
  } finally {
    stop();
  }
}

function pong(peer: RawPeer, payload: Buffer | string): void {
  peer.send({ opcode: Opcode.Pong, payload });
}

function leave(peer: RawPeer, code: number): void {
  peer.send({ opcode: Opcode.Close, payload: closeCode(code) });
  peer.socket.end();
}

function isBad({ rsv1, rsv2, rsv3, masked }: RawFrame): boolean {
  return rsv1 || rsv2 || rsv3 || !masked;
}

/** Both verdicts of one of our cases. */
async function verdict(id: string, server: Server): Promise<string> {
  const { behavior, behaviorClose } = (await beside(server, (url) => examine({ url, cases: [id] }))).get(id)!;
  return `${behavior} ${behaviorClose}`;
}

/** Both verdicts of a generated stream, and the code with which the examiner closed: 1001 is that of the time limit. */
async function fuzzed(frames: Frame[], server: Server): Promise<string> {
  const one = streamCase('F.7.0', { frames, deflate: null }, 4);
  const result = await beside(server, (url): Promise<CaseResult> => {
    const target = serverOf({ url });
    const { socket, connected } = call(target, {});
    return examineServer(one, socket, connected, target, { number: 1, agent: null, timeScale: 1 });
  });
  return `${result.behavior} ${result.behaviorClose} ${result.localCloseCode}`;
}

const ping = (text: string): Frame => send.ping(text) as Frame;
const BAD = send.text('bad', { rsv: 2 }) as Frame;
const STREAM = [ping('one'), ping('two'), ping('end')];
const BROKEN = [ping('one'), BAD, ping('two'), ping('end')];

/** Answers all pings, and fails the connection on other bad frames. */
const CONFORMS: Server = {
  frame: (frame, peer) => {
    if (isBad(frame)) leave(peer, 1002);
    else if (frame.opcode === Opcode.Ping) pong(peer, frame.payload);
    else peer.send({ opcode: frame.opcode, payload: frame.payload });
  },
};
const GREETS: Server = { ...CONFORMS, greeting: 'unasked' };

test('no case of ours sends a ping but as a frame, whose payload is known', () => {
  const others = ALL_CASES.filter(
    ({ exam }) =>
      exam.kind === 'script' &&
      exam.steps.some((step) => step.do !== 'frame' && 'opcode' in step && step.opcode === Opcode.Ping),
  );
  expect(others).toEqual([]);
});

test('RFC 6455 5.5.3 pongs of S.4.2 in reverse order fail it; pongs for the latest pings do not', async () => {
  const reverses: Server = {
    frame: ({ payload }, peer, before) => {
      if (before.length < 2999) return;
      const waiting = [...before.map((one) => one.payload), payload];
      while (waiting.length > 0) pong(peer, waiting.pop()!);
    },
  };
  expect(await verdict('S.4.2', reverses)).toBe('FAILED OK');
  const latest: Server = { frame: ({ payload }, peer, { length }) => length % 1000 === 999 && pong(peer, payload) };
  expect(await verdict('S.4.2', { ...latest, greeting: 'unasked' })).toBe('OK OK');
});

test.each(['S.2.14', 'S.2.15', 'S.2.16', 'S.3.3'])('%s fails a server that answers its ping', async (id) => {
  const answers: Server = {
    frame: ({ payload }, peer) => {
      pong(peer, payload);
      leave(peer, 1002);
    },
  };
  expect(await verdict(id, answers)).toBe('FAILED OK');
  expect(await verdict(id, { frame: ({ payload }, peer) => pong(peer, payload) })).toBe('FAILED FAILED');
  expect(await verdict(id, GREETS)).toBe('OK OK');
});

test('a generated stream fails at once when a pong comes for a ping behind its mistake', async () => {
  const readsOn: Server = { frame: ({ opcode, payload }, peer) => opcode === Opcode.Ping && pong(peer, payload) };
  expect(await fuzzed(BROKEN, readsOn)).toBe('FAILED OK 1000');
  const answersEnd: Server = {
    frame: (frame, peer, before) => {
      if (!before.some(isBad) || frame.payload.toString() !== 'end') return;
      pong(peer, frame.payload);
      leave(peer, 1002);
    },
  };
  expect(await fuzzed(BROKEN, answersEnd)).toMatch(/^FAILED /);
  expect(await fuzzed(BROKEN, CONFORMS)).toMatch(/^OK OK /);
});

test('a generated stream fails for a pong in place of the last, and not for one that nothing asked for', async () => {
  const spoils = (place: number): Server => ({
    frame: ({ payload }, peer, before) => pong(peer, before.length === place ? 'garbage' : payload),
  });
  expect(await fuzzed(STREAM, spoils(2))).toMatch(/^FAILED /);
  expect(await fuzzed(STREAM, spoils(0))).toBe('OK OK 1000');
  expect(await fuzzed(STREAM, GREETS)).toBe('OK OK 1000');
  expect(await fuzzed(BROKEN, GREETS)).toMatch(/^OK OK /);
  const latest: Server = { frame: ({ payload }, peer, before) => before.length === 2 && pong(peer, payload) };
  expect(await fuzzed(STREAM, latest)).toBe('OK OK 1000');
});
