// Which pongs are judged: those with the payload of a ping of the case, valid or not. RFC 6455 5.5.3 allows others.
import { expect, test } from 'vitest';
import { ALL_CASES } from '../../src/conformance/cases/index.js';
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
