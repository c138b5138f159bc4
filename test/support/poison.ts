// Kernels and values -> the same ones, whose memory is overwritten as soon as nobody may read it any more: whatever was
// handed out and still lies there turns into 0xA5, and so does what was never written.
import type { Kernels } from '../../src/kernels/kernels.js';
import { RECORD_BYTES } from '../../src/spec/record.js';
import type { Values } from '../../src/values/values.js';

const POISON = 0xa5;

/** Changes `kernels` itself: poisons all areas before a scan, save for what is scanned; and the arenas after a dispatch. */
export function poisonKernels<K extends Kernels>(kernels: K): K {
  const { bytes } = kernels;
  const pure = { ...kernels };
  const records = [kernels.recordsAddress, kernels.recordCapacity * RECORD_BYTES] as const;
  const arenas = [
    [kernels.arenaAddress, kernels.arenaLength + 64],
    [kernels.landingAddress, kernels.landingLength + 64],
  ] as const;
  const scratch = [kernels.scratchAddress, kernels.scratchLength + 64] as const;
  /** Nothing beyond has been written since it was poisoned last, in the landing area, which is long. */
  let highest = kernels.bytes.length;

  /** Overwrites [start, start + length), but for [from, to). */
  function poison([start, length]: readonly [number, number], from = 0, to = 0): void {
    const end = Math.min(start + length, Math.max(highest, kernels.landingAddress));
    if (from >= end || to <= start) bytes.fill(POISON, start, end);
    else {
      bytes.fill(POISON, start, Math.max(start, from));
      bytes.fill(POISON, Math.min(end, to), end);
    }
  }

  let { tenant } = kernels;
  Object.defineProperty(kernels, 'tenant', {
    get: () => tenant,
    set(next: Kernels['tenant']) {
      if (next === undefined) {
        for (const area of [records, ...arenas]) poison(area);
        highest = 0;
      }
      tenant = next;
    },
  });
  return Object.assign(kernels, {
    scanFrames(at: number, end: number, config: number, maxPayload: number) {
      highest = Math.max(highest, end);
      poison(records);
      poison(scratch);
      for (const area of arenas) poison(area, at, end);
      return pure.scanFrames(at, end, config, maxPayload);
    },
    mask(at: number, length: number, key: number) {
      poison(scratch, at, at + length);
      pure.mask(at, length, key);
    },
    isUtf8(at: number, length: number) {
      poison(scratch, at, at + length);
      return pure.isUtf8(at, length);
    },
    continueUtf8(at: number, length: number, state: number) {
      poison(scratch, at, at + length);
      return pure.continueUtf8(at, length, state);
    },
    transcode(at: number, length: number, to: number) {
      // What earlier calls have written before `to` is still to be read, together with what this one writes.
      if (to > scratch[0]) bytes.fill(POISON, to, scratch[0] + scratch[1]);
      return pure.transcode(at, length, to);
    },
  });
}

/** Changes `values` itself: memory that is not written yet is poison. */
export function poisonValues(values: Values): void {
  const allocate = values.allocate.bind(values);
  values.allocate = (length) => allocate(length).fill(POISON);
}
