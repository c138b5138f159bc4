// `createPlayer` makes the player of a case, which performs its steps over an open connection and judges the events.

import { createHash } from 'node:crypto';
import { octetsOf, type Case, type Exam, type Outcome, type ReceivedEvent, CLEAN, type Limit } from './case.js';
import type { Connection } from './connection.js';
import { type DeflateAgreement, directionOf } from './deflate.js';
import { judgeEvents, matches, shownEvent } from './judge.js';
import { CompressedMessages, isText } from './payloads.js';
import type { Recorder } from './recorder.js';
import type { Behavior, CaseResult, ExpectedClose } from './result.js';
import { Opcode } from './wire.js';

/** The most bytes of received payloads that a case keeps. */
const MAX_RECEIVED = 64 * 1024 * 1024;

/** A player's verdict. */
export interface Verdict extends Pick<CaseResult, 'behavior' | 'result' | 'expected' | 'received'> {
  close: ExpectedClose;
}

/** The player of one case on one connection. */
export interface Player {
  /** Begins, on an open connection. */
  start(): void;
  event(event: ReceivedEvent): void;
  /** The message of a compressed payload, where the player knows it. */
  known?(payload: Buffer): Buffer | undefined;
  /** The verdict, after the end of the connection. */
  verdict(): Verdict;
}

/** The parts that a player uses. */
export interface Stage {
  connection: Connection;
  recorder: Recorder;
  role: 'client' | 'server';
  deflate: DeflateAgreement | null;
  /** A factor on pauses and limits. */
  timeScale: number;
}

/** The player for an exam. */
export function createPlayer(exam: Exclude<Case['exam'], { kind: 'refusal' }>, stage: Stage): Player {
  if (exam.kind === 'script') return new ScriptPlayer(exam, stage);
  if (exam.kind === 'echo') return new EchoPlayer(exam, stage);
  if (exam.kind === 'roundTrips') return new RoundTripPlayer(exam, stage);
  return new CompressionPlayer(exam, stage);
}

/** Starts the time limit. */
function limit({ connection, recorder, timeScale }: Stage, { seconds: unscaled, action }: Limit): void {
  const seconds = unscaled * timeScale;
  recorder.log({ kind: action === 'fail' ? 'failAfter' : 'closeAfter', seconds });
  connection.after(seconds, () => {
    recorder.setLogging(true);
    recorder.log({ kind: action === 'fail' ? 'failing' : 'closing' });
    if (action === 'fail') connection.fail(1001, 'Going Away');
    else connection.close(null);
  });
}

class ScriptPlayer implements Player {
  readonly #exam: Exam & { kind: 'script' };
  readonly #stage: Stage;
  readonly #received: ReceivedEvent[] = [];
  #bytes = 0;

  constructor(exam: Exam & { kind: 'script' }, stage: Stage) {
    this.#exam = exam;
    this.#stage = stage;
  }

  start(): void {
    this.#perform(0);
  }

  #perform(from: number): void {
    const { connection, recorder, timeScale } = this.#stage;
    const { steps } = this.#exam;
    for (let at = from; at < steps.length; at++) {
      const step = steps[at];
      if (step.do !== 'wait') {
        connection.perform(step);
        continue;
      }
      const seconds = step.seconds * timeScale;
      recorder.log({ kind: 'delay', seconds, tag: step.tag });
      connection.after(seconds, () => {
        recorder.log({ kind: 'delayOver', tag: step.tag });
        if (!connection.isOpen) return;
        if (step.tag !== null) this.#received.push({ kind: 'timeout', tag: step.tag });
        this.#perform(at + 1);
      });
      return;
    }
    limit(this.#stage, this.#exam.limit);
  }

  event(event: ReceivedEvent): void {
    const { connection } = this.#stage;
    this.#received.push(event);
    if (event.kind !== 'timeout') this.#bytes += event.payload.length;
    if (this.#bytes > MAX_RECEIVED) {
      connection.fail(1008, `more than ${MAX_RECEIVED} bytes of messages`);
      this.#received.length = 1;
      this.#bytes = 0;
      return;
    }
    const done = (outcome: Outcome): boolean => outcome.close.closedByMe && matches(this.#received, outcome);
    if (this.#exam.outcomes.some(done)) connection.close(1000);
  }

  verdict(): Verdict {
    const { outcomes, informational, wrongEndpointFails, ownFrames } = this.#exam;
    const judged = judgeEvents(this.#received, outcomes);
    const { outcome } = judged;
    let { behavior, result } = judged;
    const sent = this.#stage.recorder.txFrameStats;
    const wrong = Object.entries(ownFrames ?? {}).find(([opcode, count]) => sent[Number(opcode)] !== count);
    if (wrong !== undefined) {
      behavior = 'FAILED';
      result = `The examiner sent ${sent[Number(wrong[0])] ?? 0} frames of opcode ${wrong[0]} instead of ${wrong[1]}.`;
    }
    if (informational) behavior = 'INFORMATIONAL';
    return {
      behavior,
      result,
      expected: Object.fromEntries(outcomes.map((one) => [one.behavior, one.events.map(shownEvent)])),
      received: this.#received.map(shownEvent),
      close: wrongEndpointFails ? { ...outcome.close, closedByWrongEndpointIsFatal: true } : outcome.close,
    };
  }
}

/** A player that judges each message when it arrives, and keeps none. */
abstract class ExchangePlayer implements Player {
  protected readonly stage: Stage;
  protected behavior: Behavior = 'FAILED';
  protected result: string = 'No message came back in time.';
  #over = false;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  abstract start(): void;
  protected abstract message(message: ReceivedEvent & { kind: 'message' }): void;

  event(event: ReceivedEvent): void {
    if (event.kind === 'message' && !this.#over) this.message(event);
  }

  /** Ends the exchange with a verdict. */
  protected finish(behavior: Behavior, result: string): void {
    this.#over = true;
    this.behavior = behavior;
    this.result = result;
    this.stage.recorder.setLogging(true);
    this.stage.connection.close(1000);
  }

  verdict(): Verdict {
    return { behavior: this.behavior, result: this.result, expected: {}, received: [], close: CLEAN };
  }
}

/** The mistake in the type or the length of an echo, or null. */
function judgeEcho(event: ReceivedEvent & { kind: 'message' }, opcode: number, length: number): string | null {
  if (event.binary !== (opcode === Opcode.Binary)) return `The echo is a ${event.binary ? 'binary' : 'text'} message.`;
  return event.payload.length === length ? null : `The echo has ${event.payload.length} bytes instead of ${length}.`;
}

class EchoPlayer extends ExchangePlayer {
  readonly #exam: Exam & { kind: 'echo' };

  constructor(exam: Exam & { kind: 'echo' }, stage: Stage) {
    super(stage);
    this.#exam = exam;
  }

  start(): void {
    const { recorder, connection } = this.stage;
    recorder.setLogging(false);
    connection.perform(this.#exam.step);
    limit(this.stage, this.#exam.limit);
  }

  protected override message(event: ReceivedEvent & { kind: 'message' }): void {
    const { opcode, payload } = this.#exam.step;
    const wrong = judgeEcho(event, opcode, payload.length);
    this.finish(wrong === null ? 'OK' : 'FAILED', wrong ?? `A message of ${payload.length} bytes came back.`);
  }
}

class RoundTripPlayer extends ExchangePlayer {
  readonly #exam: Exam & { kind: 'roundTrips' };
  #left: number;

  constructor(exam: Exam & { kind: 'roundTrips' }, stage: Stage) {
    super(stage);
    this.#exam = exam;
    this.#left = exam.count;
  }

  start(): void {
    this.stage.recorder.setLogging(false);
    this.#next();
    limit(this.stage, this.#exam.limit);
  }

  #next(): void {
    this.result = `${this.#exam.count - this.#left} of ${this.#exam.count} messages came back in time.`;
    this.stage.connection.sender.sendMessage(this.#exam.opcode, octetsOf(this.#exam.payload), null, 0);
  }

  protected override message(event: ReceivedEvent & { kind: 'message' }): void {
    const wrong = judgeEcho(event, this.#exam.opcode, this.#exam.payload.length);
    this.#left--;
    if (wrong !== null) this.finish('FAILED', wrong);
    else if (this.#left === 0) this.finish('OK', `All ${this.#exam.count} messages came back.`);
    else this.#next();
  }
}

class CompressionPlayer extends ExchangePlayer {
  readonly #exam: Exam & { kind: 'compression' };
  readonly #messages: CompressedMessages | null;
  /** Whether the testee may answer with the bytes that it received, because they mean the same in its direction. */
  readonly #mayMirror: boolean;
  /** Digests of correct answers to the same messages in other cases: the same bytes are correct again. */
  readonly #answers: Map<number, string>;
  #digest = '';
  #place = 0;
  #sent: { plain: Buffer; compressed: Buffer } | null = null;

  constructor(exam: Exam & { kind: 'compression' }, stage: Stage) {
    super(stage);
    this.#exam = exam;
    const { deflate, role } = stage;
    if (deflate === null) {
      this.#messages = null;
      this.#mayMirror = false;
      this.#answers = new Map();
      return;
    }
    const own = directionOf(deflate, role);
    const other = directionOf(deflate, role === 'client' ? 'server' : 'client');
    this.#messages = CompressedMessages.of(exam.file, exam.size, own);
    this.#answers = this.#messages.answers(other);
    this.#mayMirror = own.windowBits <= other.windowBits && (!own.takeover || other.takeover);
  }

  start(): void {
    this.stage.recorder.setLogging(false);
    if (this.#messages === null) {
      this.finish('UNIMPLEMENTED', 'The testee did not agree on permessage-deflate.');
      return;
    }
    this.#next();
    limit(this.stage, this.#exam.limit);
  }

  #next(): void {
    const { connection, recorder } = this.stage;
    this.#sent = this.#messages!.message(this.#place);
    this.result = `${this.#place} of ${this.#exam.count} messages came back in time.`;
    const { plain, compressed } = this.#sent;
    recorder.outgoing.messages++;
    recorder.outgoing.app += plain.length;
    // RFC 7692 6.1: RSV1 marks a compressed message.
    connection.sender.sendMessage(
      isText(this.#exam.file) ? Opcode.Text : Opcode.Binary,
      compressed,
      this.#exam.fragment,
      4,
    );
  }

  known(payload: Buffer): Buffer | undefined {
    if (this.#sent === null) return undefined;
    const { plain, compressed } = this.#sent;
    if (this.#mayMirror && payload.equals(compressed)) return plain;
    this.#digest = createHash('sha256').update(payload).digest('base64');
    return this.#digest === this.#answers.get(this.#place) ? plain : undefined;
  }

  protected override message(event: ReceivedEvent & { kind: 'message' }): void {
    const { plain } = this.#sent!;
    const opcode = isText(this.#exam.file) ? Opcode.Text : Opcode.Binary;
    const isSame = event.payload === plain || event.payload.equals(plain);
    const wrong = judgeEcho(event, opcode, plain.length) ?? (isSame ? null : 'The echo differs in content.');
    if (isSame && this.#digest !== '') this.#answers.set(this.#place, this.#digest);
    this.#digest = '';
    this.#place++;
    if (wrong !== null) this.finish('FAILED', `Message ${this.#place}: ${wrong}`);
    else if (this.#place === this.#exam.count) this.finish('OK', `All ${this.#exam.count} messages came back.`);
    else this.#next();
  }
}
