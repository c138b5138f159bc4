// `Fragment` is what a `FragmentSource` gives: one part of a message that is sent as room allows.
import type { Payload } from '../codec/payload.js';
import { refuse } from '../errors/usage-error.js';
import { toBytes } from '../values/bytes.js';

/** One fragment of a message that is sent as room allows. */
export interface Fragment {
  /** Bytes, or text, which is sent as UTF-8. */
  readonly data: Payload;
  /** Whether this is the last fragment of the message. */
  readonly last: boolean;
}

/** A message that is sent in fragments as room allows. */
export interface FragmentSource {
  /** The next fragment; undefined when none is ready yet; the owner then calls `takeOutput` once one is. */
  pull(): Fragment | undefined;
  /** Called once when the message is abandoned before its end, as when the connection closes or fails. */
  cancel?(): void;
}

/** A fragment whose data is known to be bytes. */
export interface ReadyFragment {
  readonly data: Uint8Array | string;
  readonly last: boolean;
}

/**
 * The fragment of a source, with its data as bytes or text.
 * @throws UsageError when the source gave something else
 */
export function checked(fragment: Fragment | undefined): ReadyFragment | undefined {
  if (fragment === undefined) return undefined;
  const { data, last } = Object(fragment) as Partial<Fragment>;
  if (data === undefined) refuse('A source returns { data, last } at once, or undefined', fragment);
  return { data: typeof data === 'string' ? data : toBytes(data), last: Boolean(last) };
}
