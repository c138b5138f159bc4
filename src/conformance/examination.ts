// `play` plays one case over a socket and makes its result, in either role.

import type { Duplex } from 'node:stream';
import { type Case, type DeflateWish, type Exam, octetsOf, type ReceivedEvent } from './case.js';
import { Connection } from './connection.js';
import { type DeflateAgreement, directionOf } from './deflate.js';
import { type ClosingFacts, noFacts } from './facts.js';
import { judgeClose } from './judge.js';
import { createPlayer, type Verdict } from './players.js';
import { Recorder } from './recorder.js';
import { type CaseResult, type ExpectedClose, FAULT } from './result.js';
import { Opcode } from './wire.js';

/** The name of the examiner in `User-Agent` and `Server`. */
export const EXAMINER: string = 'wsimd-conformance';

/** The limits, in seconds, for the opening handshake, for the answer to a Close frame, and for the server to drop TCP. */
export const TIMES: Readonly<Record<'open' | 'reply' | 'drop', number>> = { open: 5, reply: 1, drop: 1 };

/** The facts about a case before it begins. */
export interface Circumstances {
  /** The number of the case in its result. */
  number: number;
  agent: string | null;
  timeScale: number;
  /** The subprotocol that the examiner accepts as server. */
  protocol?: string | undefined;
}

/** A kind of case that is played over an open connection. */
export type Script = Exclude<Exam, { kind: 'refusal' }>;

const NO_CLOSE: ExpectedClose = { closedByMe: false, closeCode: [], requireClean: false };

/** The examination of one case on one socket, in either role. */
export class Examination {
  readonly recorder: Recorder = new Recorder();
  httpRequest: string = '?';
  httpResponse: string = '?';
  agent: string | null;
  readonly #one: Case;
  readonly #isServer: boolean;
  readonly #circumstances: Circumstances;
  /** The payloads of the pings of a script, valid or not. */
  readonly #pings = new Set<string>();
  readonly #begun = performance.now();
  #started: Date = new Date();
  #startedAt = performance.now();

  constructor(one: Case, isServer: boolean, circumstances: Circumstances) {
    this.#one = one;
    this.#isServer = isServer;
    this.#circumstances = circumstances;
    this.agent = circumstances.agent;
    for (const step of one.exam.kind === 'script' ? one.exam.steps : [])
      if (step.do === 'frame' && step.opcode === Opcode.Ping)
        this.#pings.add(octetsOf(step.payload).toString('latin1'));
  }

  /** Notes the end of the opening handshake. */
  opened(): void {
    this.#started = new Date();
    this.#startedAt = performance.now();
  }

  /** Whether a case of ours ignores an event: a pong for none of its pings, which RFC 6455 5.5.3 allows. */
  ignores(event: ReceivedEvent): boolean {
    const { exam, id } = this.#one;
    if (event.kind !== 'pong' || exam.kind !== 'script' || /^\d/.test(id)) return false;
    return !this.#pings.has(event.payload.toString('latin1'));
  }

  /** The result of a case that was not played, because its handshake failed or was its subject. */
  unplayed(
    verdict: Pick<CaseResult, 'behavior' | 'behaviorClose' | 'result' | 'resultClose'>,
    facts: ClosingFacts,
  ): CaseResult {
    const { exam } = this.#one;
    const informational = exam.kind === 'script' && exam.informational;
    const close =
      exam.kind === 'script'
        ? exam.outcomes[0].close
        : exam.kind === 'refusal'
          ? NO_CLOSE
          : { ...NO_CLOSE, closedByMe: true };
    this.#startedAt = this.#begun;
    return {
      ...this.#result(facts),
      expected: {},
      received: [],
      expectedClose: close,
      ...verdict,
      ...(informational ? { behavior: 'INFORMATIONAL', behaviorClose: 'INFORMATIONAL' } : {}),
    };
  }

  /** The result of a case whose opening handshake was not completed. */
  neverOpened(why: string, facts: ClosingFacts): CaseResult {
    facts.wasNotCleanReason ??= why;
    return this.unplayed(
      {
        behavior: 'FAILED',
        behaviorClose: 'FAILED',
        result: `Nothing could be examined: ${why}`,
        resultClose: 'The WebSocket opening handshake was never completed!',
      },
      facts,
    );
  }

  /** The result of a case that was played to its end. */
  played(verdict: Verdict, facts: ClosingFacts, fault: string | null): CaseResult {
    const { exam } = this.#one;
    const judged = judgeClose(facts, verdict.close, this.#isServer);
    let { behavior, result } = verdict;
    let { behaviorClose, resultClose } = judged;
    if (fault !== null) {
      behavior = 'FAILED';
      result = `${FAULT}: ${fault}.`;
    }
    if (exam.kind === 'script') {
      const wrongEndpoint = exam.wrongEndpointFails && facts.closedByMe !== verdict.close.closedByMe;
      const wrongCode = exam.wrongCodeFails && behaviorClose === 'WRONG CODE';
      if (wrongEndpoint || wrongCode) {
        behavior = 'FAILED';
        result = `${judged.resultClose}.`;
      }
      if (exam.codeIsPolicy && behaviorClose === 'WRONG CODE') {
        behaviorClose = 'INFORMATIONAL';
        resultClose += '; RFC 6455 7.1.7 only says that a fitting code SHOULD be sent';
      }
      if (exam.informational) {
        behavior = 'INFORMATIONAL';
        behaviorClose = 'INFORMATIONAL';
      }
    }
    const measured = exam.kind === 'compression' && behavior === 'OK';
    return {
      ...this.#result(facts),
      behavior,
      behaviorClose,
      result,
      resultClose,
      expected: verdict.expected,
      received: verdict.received,
      expectedClose: verdict.close,
      trafficStats: measured ? this.recorder.trafficStats() : null,
    };
  }

  #result(
    facts: ClosingFacts,
  ): Omit<
    CaseResult,
    'behavior' | 'behaviorClose' | 'result' | 'resultClose' | 'expected' | 'received' | 'expectedClose'
  > {
    const { exam, id, description, expectation } = this.#one;
    const { recorder } = this;
    const exchange = exam.kind === 'echo' || exam.kind === 'roundTrips' || exam.kind === 'compression';
    return {
      case: this.#circumstances.number,
      id,
      agent: this.agent ?? 'UnknownServer',
      description,
      expectation,
      started: this.#started.toISOString(),
      duration: Math.round(performance.now() - this.#startedAt),
      reportTime: exchange,
      reportCompressionRatio: exchange,
      isServer: this.#isServer,
      ...facts,
      httpRequest: this.httpRequest,
      httpResponse: this.httpResponse,
      createStats: true,
      createWirelog: recorder.logging,
      rxOctetStats: recorder.rxOctetStats,
      txOctetStats: recorder.txOctetStats,
      rxFrameStats: recorder.rxFrameStats,
      txFrameStats: recorder.txFrameStats,
      trafficStats: null,
      wirelog: recorder.wirelog,
    };
  }
}

/** Plays a case over a socket after its handshake; resolves when the socket has closed. */
export function play(
  examination: Examination,
  exam: Script,
  socket: Duplex,
  how: {
    role: 'client' | 'server';
    deflate: DeflateAgreement | null;
    rest: Buffer;
    timeScale: number;
    /** Bytes that leave in the same write as the first step, before it. */
    before?: Buffer;
  },
): Promise<CaseResult> {
  const { recorder } = examination;
  const { role, deflate, timeScale } = how;
  return new Promise((resolve) => {
    const connection = new Connection(socket, {
      role,
      recorder,
      deflate,
      times: { reply: TIMES.reply * timeScale, drop: TIMES.drop * timeScale },
      handlers: {
        event: (event) => void (examination.ignores(event) || player.event(event)),
        known: (payload) => player.known?.(payload),
      },
    });
    const player = createPlayer(exam, { connection, recorder, role, deflate, timeScale });
    socket.on('data', (chunk: Buffer) => {
      recorder.octetsReceived(chunk);
      connection.receive(chunk);
    });
    socket.once('close', () => {
      connection.lost();
      resolve(examination.played(player.verdict(), connection.facts, connection.fault));
    });
    if (how.before !== undefined) connection.sender.write(how.before);
    player.start();
    if (how.rest.length > 0) connection.receive(how.rest);
  });
}

/** Writes the bytes of a handshake; with `chop`, in pieces of so many bytes with a turn of the event loop between them. */
export async function writeHandshake(socket: Duplex, recorder: Recorder, bytes: Buffer, chop?: number): Promise<void> {
  for (let at = 0; at < bytes.length && socket.writable; at += chop ?? bytes.length) {
    const piece = bytes.subarray(at, at + (chop ?? bytes.length));
    recorder.octetsSent(piece, chop !== undefined);
    socket.write(piece);
    if (chop !== undefined) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The result of the closing where the testee was right to refuse the handshake. */
export const NOT_OPENED: string = 'The opening handshake was refused, so there was nothing to close';
/** The verdict where the testee was right to refuse the handshake. */
export const REFUSED: Pick<CaseResult, 'behavior' | 'behaviorClose' | 'resultClose'> = {
  behavior: 'OK',
  behaviorClose: 'OK',
  resultClose: NOT_OPENED,
};

/** Whether the testee refused the handshake or dropped TCP without a Close frame, which may be only because it is busy. */
export function isAbrupt({ resultClose, wasClean, droppedByMe, remoteCloseCode }: CaseResult): boolean {
  return resultClose === NOT_OPENED || !(wasClean || droppedByMe || remoteCloseCode !== null);
}

/** The script that replaces one whose compression the testee did not agree to: only a clean close. */
export const UNIMPLEMENTED: Exam & { kind: 'script' } = {
  kind: 'script',
  steps: [{ do: 'close', payload: Buffer.from([0x03, 0xe8]), code: 1000 }],
  outcomes: [
    { behavior: 'UNIMPLEMENTED', events: [], close: { closedByMe: true, closeCode: [1000], requireClean: true } },
  ],
  limit: { seconds: 1, action: 'fail' },
};

/** Whether a script that needs compression can be played with the agreement. */
export function canPlay(wish: DeflateWish, agreed: DeflateAgreement | null, role: 'client' | 'server'): boolean {
  return agreed !== null && (wish.fits?.(directionOf(agreed, role)) ?? true);
}

/** The result of a case that played {@link UNIMPLEMENTED}. */
export function asUnimplemented(result: CaseResult): CaseResult {
  return {
    ...result,
    behavior: 'UNIMPLEMENTED',
    result: 'The testee did not agree on the compression that the case needs.',
  };
}

/** The result of a case that a client requested with an invalid handshake. */
export function neverPlayed(one: Case, request: Buffer, why: string, circumstances: Circumstances): CaseResult {
  const examination = new Examination(one, true, circumstances);
  examination.httpRequest = request.toString('latin1');
  return examination.neverOpened(why, noFacts());
}
