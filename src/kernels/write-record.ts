// `writeRecord` writes one frame record from JavaScript, as the kernels in WebAssembly do (`spec/record.ts`).
import { RECORD_EXTRA, RECORD_KIND, RECORD_LENGTH, RECORD_OFFSET, RECORD_WORDS } from '../spec/record.js';

/** Writes a record at the index `record` of `words`, and returns where the next one goes. */
export function writeRecord(
  words: Int32Array,
  record: number,
  kind: number,
  offset: number,
  length: number,
  extra: number,
): number {
  words[record + RECORD_KIND] = kind;
  words[record + RECORD_OFFSET] = offset;
  words[record + RECORD_LENGTH] = length;
  words[record + RECORD_EXTRA] = extra;
  return record + RECORD_WORDS;
}
