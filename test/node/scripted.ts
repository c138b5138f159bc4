/** A server of opening handshakes without a network, and the two implementations side by side. */
import type { Duplex } from 'node:stream';
import { duplexPair } from './contract/harness.js';
import { implementations, type Implementation } from './contract/implementations.js';

export type Options = Record<string, unknown>;

const loaded = await Promise.all(implementations.map((entry) => entry.load()));

/** This library, with the names of `ws`. */
export const ours: Implementation = loaded.find(({ name }) => name === 'wsimd')!;
/** `ws`; not there in the run without WebAssembly. */
export const theirs: Implementation | undefined = loaded.find(({ name }) => name === 'ws');

/** A server without a network: it is what `createConnection` connects to, whatever the host. */
export function scripted(answer: (request: string, options: Options) => string): {
  requests: string[];
  options: Options;
} {
  const requests: string[] = [];
  const createConnection = (options: Options): Duplex => {
    const [near, far] = duplexPair();
    let head = '';
    far.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      requests.push(head);
      far.write(answer(head, options));
    });
    return near;
  };
  return { requests, options: { createConnection } };
}
