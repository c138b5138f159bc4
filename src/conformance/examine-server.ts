// `examineServer` opens a connection to a server as the case says, plays the case, and makes the result.

import type { Duplex } from 'node:stream';
import type { Case, DeflateWish, Exam, HandshakeHeader, RequestShape } from './case.js';
import { noFacts } from './facts.js';
import { type DeflateAgreement, judgeAgreement, readAgreement } from './deflate.js';
import {
  asUnimplemented,
  canPlay,
  type Circumstances,
  Examination,
  EXAMINER,
  NOT_OPENED,
  play,
  REFUSED,
  type Script,
  TIMES,
  UNIMPLEMENTED,
  writeHandshake,
} from './examination.js';
import {
  buildRequest,
  createKey,
  HeaderReader,
  judgeResponse,
  offeredProtocols,
  readHeader,
  type Target,
} from './handshake.js';
import { after } from './patience.js';
import type { CaseResult } from './result.js';

/** The verdict on a handshake after which the examiner plays nothing. */
type HandshakeVerdict = Parameters<Examination['unplayed']>[0];

/** Examines a server over a socket that is connecting; `connected` is the event after which it is connected. */
export function examineServer(
  one: Case,
  socket: Duplex,
  connected: 'connect' | 'secureConnect',
  target: Target,
  circumstances: Circumstances,
): Promise<CaseResult> {
  return new Promise((resolve) => {
    new Opening(one, socket, target, circumstances, resolve).begin(connected);
  });
}

/** The opening handshake of a case, after which the case has its result or is played. */
class Opening {
  readonly #socket: Duplex;
  readonly #target: Target;
  readonly #timeScale: number;
  readonly #resolve: (result: CaseResult) => void;
  readonly #exam: Exam;
  readonly #examination: Examination;
  readonly #shape: RequestShape;
  readonly #wish: DeflateWish | undefined;
  readonly #key = createKey();
  readonly #reader = new HeaderReader();
  /** The reason for a missing answer, as far as it is known. */
  #reason = 'The server closed the connection before it answered the opening handshake.';
  #hasAsked = false;
  #isLate = false;
  #cancel: () => void = () => undefined;

  constructor(
    one: Case,
    socket: Duplex,
    target: Target,
    circumstances: Circumstances,
    resolve: (result: CaseResult) => void,
  ) {
    this.#socket = socket;
    this.#target = target;
    this.#timeScale = circumstances.timeScale;
    this.#resolve = resolve;
    const { exam } = one;
    this.#exam = exam;
    this.#examination = new Examination(one, false, circumstances);
    this.#shape = ('request' in exam ? exam.request : undefined) ?? {};
    this.#wish = exam.kind === 'compression' ? exam.wish : exam.kind === 'script' ? exam.deflate : undefined;
  }

  begin(connected: 'connect' | 'secureConnect'): void {
    const socket = this.#socket;
    this.#cancel = after(TIMES.open * this.#timeScale, () => {
      this.#isLate = true;
      this.#reason = 'peer did not finish (in time) the opening handshake';
      socket.destroy();
    });
    socket.on('error', (error) => {
      this.#reason = `The connection failed: ${error.message}`;
    });
    socket.on('data', this.#onData);
    socket.once('close', this.#onClose);
    socket.once(connected, () => this.#ask());
  }

  #ask(): void {
    this.#hasAsked = true;
    const { recorder } = this.#examination;
    const extensions = this.#wish?.offer ?? null;
    const request = buildRequest({ ...this.#target, key: this.#key, agent: EXAMINER, extensions }, this.#shape);
    this.#examination.httpRequest = request.toString('latin1').slice(0, 4096);
    recorder.outgoing.preopen += request.length;
    void writeHandshake(this.#socket, recorder, request, this.#shape.chop);
  }

  #settle(result: CaseResult): void {
    this.#cancel();
    this.#socket.destroy();
    this.#resolve(result);
  }

  /** The listener for the end of TCP before an answer. */
  readonly #onClose = (): void => {
    const examination = this.#examination;
    const isLate = this.#isLate;
    const { held } = this.#reader;
    if (held.length > 0 && examination.httpResponse === '?') {
      examination.httpResponse = held.toString('latin1').slice(0, 4096);
    }
    const facts = { ...noFacts(), droppedByMe: isLate, wasOpenHandshakeTimeout: isLate };
    const verdict = this.#hasAsked && !isLate ? droppedVerdict(this.#exam) : null;
    this.#settle(
      verdict === null ? examination.neverOpened(this.#reason, facts) : examination.unplayed(verdict, facts),
    );
  };

  readonly #onData = (chunk: Buffer): void => {
    const { recorder } = this.#examination;
    recorder.octetsReceived(chunk);
    recorder.incoming.preopen += chunk.length;
    const read = this.#reader.push(chunk);
    if (read === undefined) return;
    this.#socket.off('data', this.#onData);
    this.#socket.off('close', this.#onClose);
    this.#cancel();
    if (read === null) {
      this.#settle(this.#examination.neverOpened('The response header is longer than 64 KiB.', noFacts()));
      return;
    }
    recorder.incoming.preopen -= read.rest.length;
    this.#examination.httpResponse = read.header.toString('latin1');
    this.#judge(readHeader(read.header), read.rest);
  };

  /** Judges the response, and plays the case if the connection is open. */
  #judge(header: HandshakeHeader | null, rest: Buffer): void {
    const exam = this.#exam;
    const examination = this.#examination;
    const dropped = { ...noFacts(), droppedByMe: true };
    examination.agent ??= header?.values('server')[0] ?? null;
    const wrong =
      header === null
        ? 'The answer is no HTTP response.'
        : judgeResponse(header, this.#key, offeredProtocols(this.#target, this.#shape));
    examination.opened();
    if (exam.kind === 'refusal') {
      this.#settle(examination.unplayed(judgeRefusal(exam, header, wrong), dropped));
      return;
    }
    if (exam.kind === 'script' && exam.refused !== undefined && header !== null && header.status >= 400) {
      const result = `The server refused the handshake: ${header.startLine}`;
      const verdict = { behavior: exam.refused, result, behaviorClose: 'OK' as const, resultClose: NOT_OPENED };
      this.#settle(examination.unplayed(verdict, dropped));
      return;
    }
    const agreed = wrong ?? agreement(header!, this.#wish?.offer ?? null, exam);
    if (typeof agreed === 'string') this.#settle(examination.neverOpened(agreed, dropped));
    else void this.#play(exam, agreed, rest).then((result) => this.#settle(result));
  }

  async #play(exam: Script, deflate: DeflateAgreement | null, rest: Buffer): Promise<CaseResult> {
    const wish = this.#wish;
    const isUnimplemented = exam.kind === 'script' && wish !== undefined && !canPlay(wish, deflate, 'client');
    const timeScale = this.#timeScale;
    const played = isUnimplemented ? UNIMPLEMENTED : exam;
    const result = await play(this.#examination, played, this.#socket, { role: 'client', deflate, rest, timeScale });
    return isUnimplemented ? asUnimplemented(result) : result;
  }
}

/** The verdict where the server drops TCP and does not answer; null where the case does not allow that. */
function droppedVerdict(exam: Exam): HandshakeVerdict | null {
  const result = 'The server dropped TCP without an answer.';
  if (exam.kind === 'refusal') return { ...REFUSED, result };
  if (exam.kind === 'script' && exam.refused !== undefined) return { ...REFUSED, behavior: exam.refused, result };
  return null;
}

/** The agreement in the response, null for none, or the mistake in it. */
function agreement(header: HandshakeHeader, offered: string | null, exam: Script): DeflateAgreement | null | string {
  const own = exam.kind === 'script' ? exam.handshake?.(header) : null;
  if (own !== null && own !== undefined) return own;
  const values = header.values('sec-websocket-extensions');
  if (values.length === 0 || (exam.kind === 'script' && exam.handshake !== undefined && offered === null)) return null;
  if (offered === null) return `The response agrees to an extension that was not offered: ${values.join(', ')}`;
  const agreed = readAgreement(values.join(', '), offered);
  // The classic suite plays with any agreement; this suite's own cases (D.9) demand the offered one.
  if (typeof agreed === 'string' || exam.kind === 'compression') return agreed;
  return judgeAgreement(agreed, offered) ?? agreed;
}

function judgeRefusal(
  exam: Exam & { kind: 'refusal' },
  header: HandshakeHeader | null,
  wrong: string | null,
): HandshakeVerdict {
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
