// The neutral judge of the proxy finds the rule that the library's own decoder fails a connection for.
import { describe, expect, it } from 'vitest';
import { FrameDecoder, Role, Violation, VIOLATIONS } from '../../../src/sans-io.js';
import { Frames } from '../../../src/cli/traffic/frames.js';
import type { Frame } from '../../../src/cli/traffic/frame.js';
import { encodeFrame } from '../../support/raw-peer.js';
import { Random } from '../../support/random.js';

const RUNS = 1000;

function firstOfDecoder(bytes: Uint8Array, role: Role, rsv: number): string | undefined {
  const decoder = new FrameDecoder({ role, rsv });
  decoder.push(bytes);
  while (decoder.next()) {
    const { violation } = decoder;
    if (violation !== Violation.None) return VIOLATIONS[violation].code;
  }
  return undefined;
}

describe.each([
  ['client', Role.Server],
  ['server', Role.Client],
] as const)('frames of a %s', (from, role) => {
  it('are judged as the decoder judges them, the first broken rule', () => {
    const source = new Random(28);
    const random = (): number => source.next() / 2 ** 32;
    const texts = new Map(Object.values(VIOLATIONS).map(({ text, code }) => [text.split('%')[0], code]));
    const seen = new Set<string | undefined>();
    for (let run = 0; run < RUNS; run++) {
      const isRight = (): boolean => random() < 0.85;
      const frames = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
        const opcode = isRight() ? [0, 1, 2, 9, 10][Math.floor(random() * 5)] : Math.floor(random() * 16);
        const payload = Buffer.alloc([0, 1, 5, 125, 126, 300][Math.floor(random() * 6)], 'é');
        const lengthForm = payload.length < 126 && !isRight() ? 16 : undefined;
        return encodeFrame({
          opcode: opcode === 8 ? 9 : opcode,
          fin: random() < 0.7,
          rsv1: !isRight(),
          rsv2: !isRight(),
          masked: (from === 'client') === isRight(),
          // Text of the decoder is judged before its end, and no text is judged here.
          payload: payload.fill('x'),
          ...(lengthForm === undefined ? {} : { lengthForm }),
        });
      });
      const bytes = Buffer.concat(frames);
      const deflates = random() < 0.5;
      const told: Frame[] = [];
      const reader = new Frames(from, deflates ? { forgets: false } : undefined, (frame) => told.push(frame));
      reader.push(bytes, 0);
      const fault = told.find((frame) => frame.fault !== undefined && !frame.fault.text.includes('compressed'))?.fault;
      const own = fault && [...texts].find(([text]) => fault.text.startsWith(text))?.[1];
      const decoders = firstOfDecoder(bytes, role, deflates ? 0x40 : 0);
      if (own !== decoders) expect(own, bytes.toString('hex')).toBe(decoders);
      seen.add(own);
    }
    // The runs reach every rule of a header.
    expect(seen.size).toBeGreaterThanOrEqual(8);
  });
});
