// An input that fails becomes the smallest one found that still fails.
import type { Input } from './inputs.js';

/** How many inputs are tried at most. */
const TRIES = 4000;

/**
 * Drops bytes, cuts and options, and sets bytes to zero, as long as `fails` says so.
 * @param fails must give the same answer for the same input each time
 */
export function shrink(input: Input, fails: (input: Input) => boolean): Input {
  let best = input;
  let tries = 0;
  const mayTry = (): boolean => tries < TRIES;
  const accept = (candidate: Input): boolean => {
    if (!mayTry()) return false;
    tries++;
    if (!fails(candidate)) return false;
    best = candidate;
    return true;
  };
  for (let before = ''; mayTry() && before !== describe(best);) {
    before = describe(best);
    dropOctets(() => best, accept);
    for (let index = best.cuts.length - 1; index >= 0; index--) {
      accept({ ...best, cuts: best.cuts.filter((_, at) => at !== index) });
    }
    for (const option of ['rsv', 'maxPayload', 'skipUtf8'] as const) {
      const { [option]: dropped, ...options } = best.options;
      if (dropped !== undefined) accept({ ...best, options });
    }
    for (let at = 0; mayTry() && at < best.wire.length; at++) {
      if (best.wire[at] === 0) continue;
      const wire = best.wire.slice();
      wire[at] = 0;
      accept({ ...best, wire });
    }
  }
  return best;
}

function dropOctets(best: () => Input, accept: (candidate: Input) => boolean): void {
  for (let size = best().wire.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = best().wire.length - size; at >= 0; at -= size) {
      const { wire, cuts } = best();
      const shorter = Buffer.concat([wire.subarray(0, at), wire.subarray(at + size)]);
      const moved = cuts.map((cut) => (cut <= at ? cut : Math.max(at, cut - size)));
      accept({ ...best(), wire: new Uint8Array(shorter), cuts: moved });
    }
  }
}

/** How an input is written down, so that it can be played again. */
export function describe({ options, wire, cuts, turn, deflate }: Input): string {
  const limit = options.maxPayload === Infinity ? undefined : options.maxPayload;
  return JSON.stringify({
    options: { ...options, maxPayload: limit },
    wire: Buffer.from(wire).toString('hex'),
    cuts,
    turn,
    deflate,
  });
}

export function parse(text: string): Input {
  const { wire, ...others } = JSON.parse(text) as Omit<Input, 'wire'> & { wire: string };
  return { ...others, wire: new Uint8Array(Buffer.from(wire, 'hex')) };
}
