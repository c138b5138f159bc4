// `shape` converts the bytes of a binary message to the type that `binaryType` names.
import { Blob as NodeBlob } from 'node:buffer';
import type { BinaryType } from './types.js';

/**
 * A binary message in the type that its user has chosen.
 * @param data the payload, a Buffer
 * @throws RangeError where memory for a copy is refused
 * @param fragmentEnds the end of each fragment in `data`, for 'fragments': empty ones are left out; without it there is one
 */
export function shape(
  data: Uint8Array,
  fragmentEnds: readonly number[] | undefined,
  type: BinaryType,
): Buffer | Buffer[] | ArrayBuffer | Blob {
  switch (type) {
    case 'nodebuffer':
      return data as Buffer;
    case 'arraybuffer':
      // A view of its whole memory is passed on as it is: nothing else refers to that memory.
      if (data.byteLength === data.buffer.byteLength) return data.buffer as ArrayBuffer;
      return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
    case 'blob':
      return new NodeBlob([data]) as Blob;
    case 'fragments': {
      let start = 0;
      return (fragmentEnds ?? [data.length])
        .map((end) => (data as Buffer).subarray(start, (start = end)))
        .filter((fragment) => fragment.length > 0);
    }
  }
}
