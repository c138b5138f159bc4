// `makeJavaScriptKernels` makes kernels in plain JavaScript, for runtimes where WebAssembly is missing or refused.
import { LENGTH_16, LENGTH_64, LENGTH_BITS } from '../spec/frame.js';
import { RECORD_BYTES, STATE_BYTES } from '../spec/record.js';
import type { Kernels } from './kernels.js';
import { makeScanFrames } from './twin-frames.js';

// The memory map: state, records, scratch, outgoing, arena and landing, as in assembly/memory.ts.
const SLACK = 64;
const RECORD_CAPACITY = 4096;
const SCRATCH_LENGTH = 256 * 1024;
const OUTGOING_LENGTH = 128 * 1024;
const ARENA_LENGTH = 256 * 1024;
const LANDING_LENGTH = 256 * 1024;
const STATE_ADDRESS = 64;
const RECORDS_ADDRESS = STATE_ADDRESS + STATE_BYTES;
const SCRATCH_ADDRESS = RECORDS_ADDRESS + RECORD_CAPACITY * RECORD_BYTES;
const OUTGOING_ADDRESS = SCRATCH_ADDRESS + SCRATCH_LENGTH + SLACK;
const ARENA_ADDRESS = OUTGOING_ADDRESS + OUTGOING_LENGTH + SLACK;
const LANDING_ADDRESS = ARENA_ADDRESS + ARENA_LENGTH + SLACK;
const MEMORY_LENGTH = LANDING_ADDRESS + LANDING_LENGTH + SLACK;

/** Makes a set of kernels that needs no WebAssembly, with a memory of its own. */
export function makeJavaScriptKernels(): Kernels {
  const memory = new ArrayBuffer(MEMORY_LENGTH);
  const bytes = new Uint8Array(memory);
  const words = new Int32Array(memory);
  const doubles = new Float64Array(memory);
  const units = new Uint16Array(memory);

  function mask(at: number, length: number, key: number): void {
    const end = at + length;
    while (at < end && at & 3) {
      bytes[at++] ^= key;
      key = (key >>> 8) | (key << 24);
    }
    const lastWord = end >>> 2;
    for (let word = at >>> 2; word < lastWord; word++) words[word] ^= key;
    if (at < lastWord << 2) at = lastWord << 2;
    for (; at < end; at++) {
      bytes[at] ^= key;
      key >>>= 8;
    }
  }

  function maskFrames(at: number, end: number): void {
    while (at < end) {
      let length = bytes[at + 1] & LENGTH_BITS;
      at += 2;
      if (length === LENGTH_16) {
        length = (bytes[at] << 8) | bytes[at + 1];
        at += 2;
      } else if (length === LENGTH_64) {
        length = (bytes[at + 4] << 24) | (bytes[at + 5] << 16) | (bytes[at + 6] << 8) | bytes[at + 7];
        at += 8;
      }
      const key = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      at += 4;
      mask(at, length, key);
      at += length;
    }
  }

  /** The first place from `at` on that may hold a byte above 0x7f, or `end`. */
  function skipAscii(at: number, end: number): number {
    while (at < end && at & 3) {
      if (bytes[at] & 0x80) return at;
      at++;
    }
    let word = at >>> 2;
    const lastWord = end >>> 2;
    while (word < lastWord && !(words[word] & 0x80808080)) word++;
    if (at < word << 2) at = word << 2;
    while (at < end && !(bytes[at] & 0x80)) at++;
    return at;
  }

  function continueUtf8(at: number, length: number, state: number): number {
    const end = at + length;
    while (at < end && state >= 0) {
      const octet = bytes[at++];
      if (state !== 0) {
        if (octet < ((state >> 8) & 0xff) || octet > state >> 16) return -1;
        const needed = (state & 0xff) - 1;
        state = needed === 0 ? 0 : awaiting(needed, 0x80, 0xbf);
      } else if (octet < 0x80) {
        at = skipAscii(at, end);
      } else if (octet > 0xe0 && octet < 0xed && isTail(bytes[at]) && at + 2 <= end && isTail(bytes[at + 1])) {
        at += 2; // The bulk of CJK, a character a step; any continuation may follow these leads.
      } else {
        state = stateAfterLead(octet);
      }
    }
    return state;
  }

  function isUtf8(at: number, length: number): number {
    return continueUtf8(at, length, 0) === 0 ? 1 : 0;
  }

  function transcode(at: number, length: number, to: number): number {
    const end = at + length;
    const first = to >>> 1;
    let unit = first;
    while (at < end) {
      const octet = bytes[at];
      if (octet < 0x80) {
        units[unit++] = octet;
        at += 1;
      } else if (octet < 0xe0) {
        units[unit++] = ((octet & 0x1f) << 6) | (bytes[at + 1] & 0x3f);
        at += 2;
      } else if (octet < 0xf0) {
        units[unit++] = (octet << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f);
        at += 3;
      } else {
        const point =
          ((octet & 0x07) << 18) |
          ((bytes[at + 1] & 0x3f) << 12) |
          ((bytes[at + 2] & 0x3f) << 6) |
          (bytes[at + 3] & 0x3f);
        units[unit++] = 0xd7c0 + (point >> 10);
        units[unit++] = 0xdc00 | (point & 0x3ff);
        at += 4;
      }
    }
    return unit - first;
  }

  const leaves: Omit<Kernels, 'scanFrames'> = {
    name: 'javascript',
    bytes,
    words,
    doubles,
    stateAddress: STATE_ADDRESS,
    recordsAddress: RECORDS_ADDRESS,
    recordCapacity: RECORD_CAPACITY,
    arenaAddress: ARENA_ADDRESS,
    arenaLength: ARENA_LENGTH,
    landingAddress: LANDING_ADDRESS,
    landingLength: LANDING_LENGTH,
    tenant: undefined,
    scratchAddress: SCRATCH_ADDRESS,
    scratchLength: SCRATCH_LENGTH,
    outgoingAddress: OUTGOING_ADDRESS,
    outgoingLength: OUTGOING_LENGTH,
    mask,
    maskFrames,
    isUtf8,
    continueUtf8,
    transcode,
  };
  return { ...leaves, scanFrames: makeScanFrames(leaves) };
}

function awaiting(needed: number, lowest: number, highest: number): number {
  return needed | (lowest << 8) | (highest << 16);
}

/** Whether the byte continues a character. */
function isTail(octet: number): boolean {
  return (octet & 0xc0) === 0x80;
}

/** The resumable UTF-8 state after the first byte of a character that is not ASCII; -1 if none begins so. */
function stateAfterLead(octet: number): number {
  // RFC 3629 4: c0, c1 and f5-ff never appear; e0, ed, f0 and f4 narrow the byte after them.
  if (octet < 0xc2 || octet > 0xf4) return -1;
  if (octet < 0xe0) return awaiting(1, 0x80, 0xbf);
  if (octet < 0xf0) return awaiting(2, octet === 0xe0 ? 0xa0 : 0x80, octet === 0xed ? 0x9f : 0xbf);
  return awaiting(3, octet === 0xf0 ? 0x90 : 0x80, octet === 0xf4 ? 0x8f : 0xbf);
}
