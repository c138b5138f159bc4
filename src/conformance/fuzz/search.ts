// `Search` returns generated streams as cases and, once one has failed, smaller and smaller ones until none of these fails.

import { type Case, octetsOf } from '../case.js';
import { type CaseResult, isPass } from '../result.js';
import type { Frame } from './reading.js';
import { createStream, readingOf, type Stream, withPayload } from './stream.js';
import { streamCase } from './stream-case.js';

/** The most smaller streams that it tries after a failure. */
const MAX_TRIES = 400;
/** The time limits, in seconds, for a new stream and for one that was made from a failed one. */
const LIMIT = 4;
const SHORT_LIMIT = 0.4;
const PLAIN = 0x61;

/** The length and the seed of a search. */
export interface FuzzSettings {
  /** The seconds after which no new stream begins; the search still makes a failed one smaller. */
  seconds: number;
  /** An integer; the same seed gives the same streams. */
  seed: number;
}

/** The smallest stream that the search found and that a testee treats wrongly. */
export interface Found {
  /** The number, from 0, of the seed's stream from which it was made. */
  place: number;
  one: Case;
  result: CaseResult;
}

/** Finds a stream that a testee treats wrongly. The caller runs the cases, on any number of connections. */
export class Search {
  /** The number of judged streams. */
  judged: number = 0;
  /** The number of streams with a compression that the testee did not agree to. */
  unplayed: number = 0;
  /** The number of streams that failed once and then passed. */
  passing: number = 0;
  readonly #seed: number;
  readonly #out = new Map<string, { stream: Stream; place: number }>();
  #place = 0;
  #best: { stream: Stream; found: Found; confirmed: boolean } | null = null;
  #smaller: Iterator<Stream> = [][Symbol.iterator]();
  #tries = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The smallest failure so far, confirmed by a second run; null while there is none. */
  get found(): Found | null {
    return this.#best?.confirmed === true ? this.#best.found : null;
  }

  /** Whether a stream has failed, and the search tries smaller ones. */
  get isShrinking(): boolean {
    return this.#best !== null && !this.isOver;
  }

  /** Whether a failure was found and cannot become smaller. */
  get isOver(): boolean {
    return this.#best?.confirmed === true && this.#tries >= MAX_TRIES;
  }

  /** The next case, with this id. */
  next(id: string): Case {
    const place = this.#best?.found.place ?? this.#place++;
    const smaller = this.#candidate();
    const stream = smaller ?? createStream(this.#seed, place);
    this.#out.set(id, { stream, place });
    return streamCase(id, stream, this.#best?.confirmed === true ? SHORT_LIMIT : LIMIT);
  }

  #candidate(): Stream | null {
    const best = this.#best;
    if (best === null) return null;
    if (!best.confirmed) return best.stream;
    const { done, value } = this.#smaller.next() as IteratorResult<Stream, undefined>;
    this.#tries = done === true ? MAX_TRIES : this.#tries + 1;
    return done === true ? best.stream : value;
  }

  /** Takes in the result of a case that `next` returned; `died` where the testee no longer answers. */
  judge(one: Case, result: CaseResult, died: boolean = false): void {
    const out = this.#out.get(one.id);
    if (out === undefined) return;
    this.#out.delete(one.id);
    this.judged++;
    if (result.behavior === 'UNIMPLEMENTED') this.unplayed++;
    const failed = died || !isPass(result, false);
    const best = this.#best;
    if (best === null) {
      if (failed) this.#best = { stream: out.stream, found: { place: out.place, one, result }, confirmed: false };
    } else if (!best.confirmed && out.stream === best.stream) this.#confirm(failed);
    else if (failed && best.confirmed && weightOf(out.stream) < weightOf(best.stream)) {
      this.#best = { stream: out.stream, found: { ...best.found, one, result }, confirmed: true };
      this.#smaller = smallerThan(out.stream);
    }
  }

  /** Ends the search. A failure that happened once counts, because the testee cannot run it again. */
  settle(): void {
    if (this.#best !== null) this.#best.confirmed = true;
    this.#tries = MAX_TRIES;
  }

  #confirm(failed: boolean): void {
    if (failed) {
      this.#best!.confirmed = true;
      this.#smaller = smallerThan(this.#best!.stream);
      return;
    }
    this.passing++;
    this.#best = null;
  }
}

/** The size of a stream, by which two streams are compared. */
function weightOf({ frames, deflate }: Stream): number {
  let weight = deflate === null ? 0 : 1;
  for (const frame of frames) {
    weight += frame.chop === null ? 10 : 11;
    for (const byte of octetsOf(frame.payload)) weight += byte === PLAIN ? 1 : 1.01;
  }
  return weight;
}

/** Streams that are a step smaller, the smallest first. None has an unclear reading, and each keeps its last ping. */
function* smallerThan(stream: Stream): Generator<Stream, undefined> {
  const weight = weightOf(stream);
  for (const frames of cuts(stream.frames)) {
    const compresses = frames.some(({ rsv }) => rsv === 4);
    const smaller: Stream = { frames, deflate: compresses ? stream.deflate : null };
    if (readingOf(smaller).unclear === null && weightOf(smaller) < weight) yield smaller;
  }
  return undefined;
}

function* cuts(all: readonly Frame[]): Generator<Frame[]> {
  const count = all.length - 1;
  for (let size = Math.ceil(count / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < count; at += size) yield [...all.slice(0, at), ...all.slice(Math.min(count, at + size))];
  }
  yield all.map((frame) => ({ ...frame, chop: null }));
  for (let at = 0; at < count; at++) {
    const put = (frame: Frame): Frame[] => [...all.slice(0, at), frame, ...all.slice(at + 1)];
    const frame = all[at];
    const payload = octetsOf(frame.payload);
    const { length } = payload;
    yield put({ ...frame, chop: null });
    if (length === 0) continue;
    for (const size of new Set([0, length >> 2, length >> 1, length - (length >> 2), length - 1])) {
      yield put(withPayload(frame, payload.subarray(0, size)));
      yield put(withPayload(frame, payload.subarray(length - size)));
    }
    yield put(withPayload(frame, Buffer.alloc(length, PLAIN)));
  }
  for (let at = 0; at + 1 < count; at++) {
    // Joins two fragments into one frame.
    const [one, other] = [all[at], all[at + 1]];
    if (one.fin || other.opcode !== 0) continue;
    const joined = withPayload(one, Buffer.concat([octetsOf(one.payload), octetsOf(other.payload)]));
    yield [...all.slice(0, at), { ...joined, fin: other.fin }, ...all.slice(at + 2)];
  }
}
