// Runs one case against one testee over a socket and makes the result of it. Here the two roles differ only in who speaks first.

import type { Duplex } from 'node:stream';
import type { Case, Exam, HandshakeHeader } from './case.js';
import { type ClosingFacts, Connection, noFacts } from './connection.js';
import { type DeflateAgreement, readAgreement, readOffer } from './deflate.js';
import { buildRequest, buildResponse, createKey, HeaderReader, judgeResponse, readHeader } from './handshake.js';
import { judgeClose } from './judge.js';
import { createPlayer, type Verdict } from './players.js';
import { Recorder } from './recorder.js';
import type { CaseResult, ExpectedClose } from './result.js';
import { encodeHeader, FrameReader, isControl, Opcode } from './wire.js';

/** How the examiner calls itself in `User-Agent` and `Server`. */
export const EXAMINER: string = 'wsimd-conformance';

/** Seconds: until the opening handshake is done, until a close is answered, until the server drops TCP. */
export const TIMES = { open: 5, reply: 1, drop: 1 } as const;

/** What both roles know before a case begins. */
export interface Circumstances {
  /** The case's number in the list that it is reported by. */
  number: number;
  agent: string | null;
  timeScale: number;
}

/** The server under test, as the request names it. */
export interface Target {
  path: string;
  host: string;
}

/** A request of a client under test that waits for its answer. */
export interface Asked {
  header: HandshakeHeader;
  raw: Buffer;
  /** What came behind the request. */
  rest: Buffer;
}

/** Text that a client must not read, because the handshake before it has failed. */
const BAIT = 'this must not be read';

type Script = Exclude<Exam, { kind: 'refusal' }>;

const NO_CLOSE: ExpectedClose = { closedByMe: false, closeCode: [], requireClean: false };

/** One case on one socket, in either role. */
class Examination {
  readonly recorder = new Recorder();
  httpRequest = '?';
  httpResponse = '?';
  agent: string | null;
  readonly #one: Case;
  readonly #isServer: boolean;
  readonly #circumstances: Circumstances;
  readonly #begun = performance.now();
  #started: Date = new Date();
  #startedAt = performance.now();

  constructor(one: Case, isServer: boolean, circumstances: Circumstances) {
    this.#one = one;
    this.#isServer = isServer;
    this.#circumstances = circumstances;
    this.agent = circumstances.agent;
  }

  /** The opening handshake is over. */
  opened(): void {
    this.#started = new Date();
    this.#startedAt = performance.now();
  }

  /** The case was not played: the handshake failed or was what the case is about. */
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

  /** The opening handshake was never completed. */
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

  /** The case was played to its end. */
  played(verdict: Verdict, facts: ClosingFacts): CaseResult {
    const { exam } = this.#one;
    const judged = judgeClose(facts, verdict.close, this.#isServer);
    let { behavior, result } = verdict;
    let { behaviorClose } = judged;
    if (exam.kind === 'script') {
      const wrongEndpoint = exam.wrongEndpointFails && facts.closedByMe !== verdict.close.closedByMe;
      const wrongCode = exam.wrongCodeFails && behaviorClose === 'WRONG CODE';
      if (wrongEndpoint || wrongCode) {
        behavior = 'FAILED';
        result = `${judged.resultClose}.`;
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
      resultClose: judged.resultClose,
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

/** Plays a case over a socket on which the handshake is done; resolves when the socket is gone. */
function play(
  examination: Examination,
  exam: Script,
  socket: Duplex,
  how: {
    role: 'client' | 'server';
    deflate: DeflateAgreement | null;
    rest: Buffer;
    timeScale: number;
    /** Written before the first step, so that it goes out in the same write. */
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
        event: (event) => player.event(event),
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
      resolve(examination.played(player.verdict(), connection.facts));
    });
    if (how.before !== undefined) connection.writeFirst(how.before);
    player.start();
    if (how.rest.length > 0) connection.receive(how.rest);
  });
}

/** Writes octets, in pieces of `chop` with a turn of the event loop between them when the case wants it. */
function write(socket: Duplex, recorder: Recorder, octets: Buffer, chop: number | undefined): void {
  if (chop === undefined) {
    recorder.octetsSent(octets, false);
    socket.write(octets);
    return;
  }
  let at = 0;
  const turn = (): void => {
    if (!socket.writable || at >= octets.length) return;
    const piece = octets.subarray(at, at + chop);
    at += chop;
    recorder.octetsSent(piece, true);
    socket.write(piece);
    setImmediate(turn);
  };
  turn();
}

// ---- server under test ---------------------------------------------------------------------------------------------------------

/** Examines a server over a socket that is being connected. `connected` is the event that says it is. */
export function examineServer(
  one: Case,
  socket: Duplex,
  connected: 'connect' | 'secureConnect',
  target: Target,
  circumstances: Circumstances,
): Promise<CaseResult> {
  const examination = new Examination(one, false, circumstances);
  const { recorder } = examination;
  const { exam } = one;
  const { timeScale } = circumstances;
  const shape = ('request' in exam ? exam.request : undefined) ?? {};
  const wish = exam.kind === 'compression' ? exam.wish : exam.kind === 'script' ? exam.deflate : undefined;
  const key = createKey();
  const reader = new HeaderReader();
  return new Promise((resolve) => {
    let reason = 'The server closed the connection before it answered the opening handshake.';
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        reason = 'peer did not finish (in time) the opening handshake';
        socket.destroy();
      },
      TIMES.open * timeScale * 1000,
    );
    const onError = (error: Error): void => {
      reason = `The connection failed: ${error.message}`;
    };
    const settle = (result: CaseResult): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const onClose = (): void => {
      const facts = { ...noFacts(), droppedByMe: timedOut, wasOpenHandshakeTimeout: timedOut };
      if (reader.held.length > 0 && examination.httpResponse === '?') {
        examination.httpResponse = reader.held.toString('latin1').slice(0, 4096);
      }
      if (exam.kind === 'refusal' && !timedOut) {
        settle(examination.unplayed({ ...REFUSED, result: 'The server dropped TCP without an answer.' }, facts));
      } else settle(examination.neverOpened(reason, facts));
    };
    const onData = (chunk: Buffer): void => {
      recorder.octetsReceived(chunk);
      recorder.incoming.preopen += chunk.length;
      const read = reader.push(chunk);
      if (read === undefined) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      clearTimeout(timer);
      if (read === null) {
        settle(examination.neverOpened('The response header is longer than 64 KiB.', noFacts()));
        return;
      }
      recorder.incoming.preopen -= read.rest.length;
      examination.httpResponse = read.header.toString('latin1');
      const header = readHeader(read.header);
      examination.agent ??= header?.values('server')[0] ?? null;
      const wrong = header === null ? 'The answer is no HTTP response.' : judgeResponse(header, key);
      examination.opened();
      if (exam.kind === 'refusal') {
        settle(examination.unplayed(judgeRefusal(exam, header, wrong), { ...noFacts(), droppedByMe: true }));
        return;
      }
      if (exam.kind === 'script' && exam.refused !== undefined && header !== null && header.status >= 400) {
        const result = `The server refused the handshake: ${header.startLine}`;
        const verdict = { behavior: exam.refused, result, behaviorClose: 'OK' as const, resultClose: NOT_OPENED };
        settle(examination.unplayed(verdict, { ...noFacts(), droppedByMe: true }));
        return;
      }
      const agreed = wrong ?? agreement(header!, wish?.offer ?? null, exam);
      if (typeof agreed === 'string') {
        settle(examination.neverOpened(agreed, { ...noFacts(), droppedByMe: true }));
        return;
      }
      const unimplemented = exam.kind === 'script' && wish !== undefined && agreed === null;
      const played = unimplemented ? UNIMPLEMENTED : exam;
      void play(examination, played, socket, { role: 'client', deflate: agreed, rest: read.rest, timeScale }).then(
        (result) => settle(unimplemented ? asUnimplemented(result) : result),
      );
    };
    socket.on('error', onError);
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.once(connected, () => {
      const request = buildRequest({ ...target, key, agent: EXAMINER, extensions: wish?.offer ?? null }, shape);
      examination.httpRequest = request.toString('latin1').slice(0, 4096);
      recorder.outgoing.preopen += request.length;
      write(socket, recorder, request, shape.chop);
    });
  });
}

/** What the response agreed on: an agreement, none (null), or what is wrong with it. */
function agreement(header: HandshakeHeader, offered: string | null, exam: Script): DeflateAgreement | null | string {
  const own = exam.kind === 'script' ? exam.handshake?.(header) : null;
  if (own !== null && own !== undefined) return own;
  const values = header.values('sec-websocket-extensions');
  if (values.length === 0 || (exam.kind === 'script' && exam.handshake !== undefined && offered === null)) return null;
  if (offered === null) return `The response agrees to an extension that was not offered: ${values.join(', ')}`;
  return readAgreement(values.join(', '), offered);
}

const NOT_OPENED = 'The opening handshake was refused, so there was nothing to close';
const REFUSED = { behavior: 'OK', behaviorClose: 'OK', resultClose: NOT_OPENED } as const;

function judgeRefusal(
  exam: Exam & { kind: 'refusal' },
  header: HandshakeHeader | null,
  wrong: string | null,
): Pick<CaseResult, 'behavior' | 'behaviorClose' | 'result' | 'resultClose'> {
  if (header === null) return { ...REFUSED, behavior: 'FAILED', result: wrong! };
  if (header.status === 101) {
    return {
      ...REFUSED,
      behavior: exam.accepted,
      result: 'The server accepted the handshake.',
      resultClose: 'Dropped by the examiner',
    };
  }
  const missing = exam.refusal?.(header) ?? null;
  if (missing !== null) return { ...REFUSED, behavior: 'NON-STRICT', result: missing };
  return { ...REFUSED, result: `The server refused the handshake: ${header.startLine}` };
}

/** What is played where a script's compression was not agreed on: nothing but a clean close. */
const UNIMPLEMENTED: Exam & { kind: 'script' } = {
  kind: 'script',
  steps: [{ do: 'close', payload: Buffer.from([0x03, 0xe8]), code: 1000 }],
  outcomes: [
    { behavior: 'UNIMPLEMENTED', events: [], close: { closedByMe: true, closeCode: [1000], requireClean: true } },
  ],
  limit: { seconds: 1, action: 'fail' },
};

function asUnimplemented(result: CaseResult): CaseResult {
  return { ...result, behavior: 'UNIMPLEMENTED', result: 'The testee did not agree on permessage-deflate.' };
}

// ---- client under test ---------------------------------------------------------------------------------------------------------

/** Examines a client whose request has been read. The caller keeps no listener on the socket but 'error'. */
export async function examineClient(
  one: Case,
  socket: Duplex,
  asked: Asked,
  circumstances: Circumstances,
): Promise<CaseResult> {
  const examination = new Examination(one, true, circumstances);
  const { recorder } = examination;
  const { exam } = one;
  const { timeScale } = circumstances;
  examination.httpRequest = asked.raw.toString('latin1');
  recorder.octetsReceived(Buffer.concat([asked.raw, asked.rest]));
  recorder.incoming.preopen += asked.raw.length;
  const wish = exam.kind === 'compression' ? exam.wish : exam.kind === 'script' ? exam.deflate : undefined;
  const offered = asked.header.values('sec-websocket-extensions').join(', ');
  const offer = wish === undefined || offered === '' ? null : readOffer(offered);
  const answer = offer === null ? null : wish!.answer(offer);
  const shape = ('response' in exam ? exam.response : undefined) ?? {};
  const key = asked.header.values('sec-websocket-key')[0] ?? '';
  const response = buildResponse({ key, agent: EXAMINER, extensions: answer }, shape);
  examination.httpResponse = response.toString('latin1').slice(0, 4096);
  recorder.outgoing.preopen += response.length;
  if (exam.kind === 'refusal') return lure(examination, exam, socket, response, timeScale);
  const agreed = answer === null ? null : readAgreement(answer, offered);
  if (typeof agreed === 'string') throw new Error(`The case's own answer is unsound: ${agreed}`);
  const unimplemented = exam.kind === 'script' && wish !== undefined && agreed === null;
  if (!shape.glued) write(socket, recorder, response, shape.chop);
  examination.opened();
  const result = await play(examination, unimplemented ? UNIMPLEMENTED : exam, socket, {
    role: 'server',
    deflate: agreed,
    rest: asked.rest,
    timeScale,
    before: shape.glued ? response : undefined,
  });
  return unimplemented ? asUnimplemented(result) : result;
}

/** Answers with a handshake that the client has to refuse, and a message behind it that it must not answer. */
function lure(
  examination: Examination,
  exam: Exam & { kind: 'refusal' },
  socket: Duplex,
  response: Buffer,
  timeScale: number,
): Promise<CaseResult> {
  const { recorder } = examination;
  const message = Buffer.from(BAIT);
  const header = encodeHeader({ fin: true, rsv: 0, opcode: Opcode.Text, mask: null, length: message.length });
  return new Promise((resolve) => {
    let result: string | null = null;
    let late = false;
    const reader = new FrameReader(() => null);
    const timer = setTimeout(
      () => {
        late = true;
        socket.destroy();
      },
      2 * TIMES.reply * timeScale * 1000,
    );
    socket.on('data', (chunk: Buffer) => {
      recorder.octetsReceived(chunk);
      reader.push(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        recorder.frameReceived(frame.header, frame.payload, 0);
        if (!isControl(frame.header.opcode)) result = 'The client accepted the handshake and answered a message.';
      }
      if (result !== null) socket.destroy();
    });
    socket.once('close', () => {
      clearTimeout(timer);
      const verdict =
        result !== null
          ? { ...REFUSED, behavior: exam.accepted, result, resultClose: 'Dropped by the examiner' }
          : late
            ? {
                ...REFUSED,
                behaviorClose: 'UNCLEAN' as const,
                result: 'The client answered nothing.',
                resultClose: 'The client did not drop TCP within two seconds',
              }
            : { ...REFUSED, result: 'The client dropped TCP.' };
      resolve(examination.unplayed(verdict, { ...noFacts(), droppedByMe: late || result !== null }));
    });
    write(socket, recorder, Buffer.concat([response, header, message]), undefined);
  });
}
