// `Scan` moves a connection's decoder state in and out of the kernels' memory, and makes them walk a chunk.
import type { Kernels } from '../kernels/kernels.js';
import { writeRecord } from '../kernels/write-record.js';
import { Opcode } from '../spec/frame.js';
import {
  PHASE_HEADER,
  PHASE_STOPPED,
  RECORD_END,
  RECORD_FIN,
  RECORD_KIND,
  RECORD_LENGTH,
  RECORD_OPCODE,
  RECORD_START,
  RECORD_VIOLATION,
  RECORD_WORDS,
  SCAN_SERVER,
  SCAN_SKIP_UTF8,
  STATE_HELD,
  STATE_MESSAGE,
  STATE_PHASE,
  STATE_RECORDS,
  STATE_REMAINING,
  STATE_WORDS,
} from '../spec/record.js';
import { Violation } from '../spec/violation.js';
import { toLimit } from './checks.js';
import type { Traffic } from './statistics.js';

/** The scans of one connection, each of one window of a chunk. The records are in the kernels' table from `firstRecord` on. */
export class Scan {
  private maxPayload = 0;
  /** The decoder state between chunks; undefined between frames outside a message, so that idle connections hold none. */
  private saved: Int32Array | undefined;
  /** The state's STATE_REMAINING, where a state is saved. */
  private awaited = 0;
  /** Whether scanning has ended: at a violation, or the peer's Close. */
  isStopped = false;

  /** @param config `SCAN_*` flags */
  constructor(
    protected readonly kernels: Kernels,
    private config: number,
    maxPayload: number,
  ) {
    this.limit(maxPayload);
  }

  /** Limits the length of messages, in bytes, from the next chunk on; 0 for no limit. */
  limit(maxPayload: number): void {
    this.maxPayload = Math.min(toLimit('maxPayload', maxPayload) || Infinity, Number.MAX_SAFE_INTEGER);
  }

  /** Turns the validation of text off or on, from the next chunk on. */
  skipUtf8(skips: boolean): void {
    this.config = skips ? this.config | SCAN_SKIP_UTF8 : this.config & ~SCAN_SKIP_UTF8;
  }

  /** Whether payloads may be masked, and are unmasked. */
  get unmasks(): boolean {
    return (this.config & SCAN_SERVER) !== 0;
  }

  /** Bytes of the current frame that have not come yet. */
  get remaining(): number {
    return this.saved === undefined ? 0 : this.awaited;
  }

  /** Whether the stream is between frames and outside any message. */
  get isBetween(): boolean {
    return this.saved === undefined;
  }

  /** The index of the first record in the kernels' table, and the end of those that the last scan wrote. */
  get firstRecord(): number {
    return this.kernels.recordsAddress >>> 2;
  }
  get recordsEnd(): number {
    const { words, stateAddress } = this.kernels;
    return this.firstRecord + words[(stateAddress + STATE_RECORDS) >>> 2] * RECORD_WORDS;
  }

  /**
   * Walks `length` bytes of the kernels' memory, and returns how many were consumed.
   * @throws RangeError where memory for the state is refused
   */
  run(address: number, length: number): number {
    const { kernels } = this;
    const { words, stateAddress } = kernels;
    const state = stateAddress >>> 2;
    if (this.saved !== undefined) copyState(this.saved, 0, words, state);
    else {
      words[state + (STATE_PHASE >>> 2)] = PHASE_HEADER;
      words[state + (STATE_HELD >>> 2)] = 0;
      words[state + (STATE_MESSAGE >>> 2)] = 0;
    }
    let consumed = length;
    try {
      consumed = this.walk(address, address + length, this.config, this.maxPayload) - address;
    } catch {
      // A trap ends this connection only (RFC 6455 7.4.1, code 1011): the kernels keep no state.
      writeRecord(words, this.firstRecord, RECORD_VIOLATION, address, 0, Violation.Internal);
      words[state + (STATE_RECORDS >>> 2)] = 1;
      words[state + (STATE_PHASE >>> 2)] = PHASE_STOPPED;
    }
    const phase = words[state + (STATE_PHASE >>> 2)];
    if (phase === PHASE_STOPPED) this.isStopped = true;
    if (phase === PHASE_HEADER && !words[state + (STATE_HELD >>> 2)] && !words[state + (STATE_MESSAGE >>> 2)]) {
      this.saved = undefined;
    } else {
      if (this.saved === undefined) this.saved = words.slice(state, state + STATE_WORDS);
      else copyState(words, state, this.saved, 0);
      this.awaited = kernels.doubles[(stateAddress + STATE_REMAINING) >>> 3];
    }
    return consumed;
  }

  /** Drops the state, and scans nothing more. */
  stop(): void {
    this.isStopped = true;
    this.saved = undefined;
  }

  /** The part that the kernel does. */
  protected walk(at: number, end: number, config: number, maxPayload: number): number {
    return this.kernels.scanFrames(at, end, config, maxPayload);
  }
}

/** Copies a decoder state. So few words take longer by a view and `set` than by turns of four. */
function copyState(from: Int32Array, at: number, to: Int32Array, target: number): void {
  for (let word = 0; word < STATE_WORDS; word += 4) {
    to[target + word] = from[at + word];
    to[target + word + 1] = from[at + word + 1];
    to[target + word + 2] = from[at + word + 2];
    to[target + word + 3] = from[at + word + 3];
  }
}

/** Counts the frames of the records [at, end). */
export function countRecords(traffic: Traffic, records: Int32Array, at: number, end: number): void {
  for (; at < end; at += RECORD_WORDS) {
    const kind = records[at + RECORD_KIND];
    if (kind === RECORD_VIOLATION) return;
    traffic.octets += records[at + RECORD_LENGTH];
    if (kind & RECORD_START) traffic.frames[kind & RECORD_OPCODE]++;
    if (kind & RECORD_END && kind & RECORD_FIN && (kind & RECORD_OPCODE) < Opcode.Close) traffic.messages++;
  }
}
