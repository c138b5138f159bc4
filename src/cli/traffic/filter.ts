// `Filter` selects frames by their sender, their kind, and the text in them.
import { CommandError } from '../command-error.js';
import { isControl, KINDS, kindOf, SIDES, textIn, type Frame, type Side } from './frame.js';

const WIDE_KINDS: readonly string[] = ['data', 'control', 'violation'];

/** The facts of a frame that its header contains. */
export interface FrameStart {
  readonly from: Side;
  readonly opcode: number;
}

/** A frame must match at least one value of each name that was given. */
export class Filter {
  private readonly sides: Side[] = [];
  private readonly kinds: string[] = [];
  private readonly texts: RegExp[] = [];

  /**
   * @param option the name of the option, for error messages
   * @param words `from=client`, `kind=ping`, `text=words` or `text=/pattern/i`
   * @param hasText whether `text=` and `kind=violation` are allowed
   * @throws CommandError for any other word
   */
  constructor(option: string, words: readonly string[], hasText: boolean) {
    for (const word of words) {
      const [, name, value] = /^(\w+)=(.+)$/.exec(word) ?? [];
      if (name === 'from' && SIDES.includes(value as Side)) this.sides.push(value as Side);
      else if (name === 'kind' && [...KINDS, ...(hasText ? WIDE_KINDS : WIDE_KINDS.slice(0, 2))].includes(value)) {
        this.kinds.push(value);
      } else if (name === 'text' && hasText) this.texts.push(patternOf(value, option));
      else {
        const kinds = [...KINDS, ...(hasText ? WIDE_KINDS : WIDE_KINDS.slice(0, 2))].join('|');
        const text = hasText ? ', text=WORDS or text=/PATTERN/' : '';
        throw new CommandError(
          `${option} takes from=client|server, kind=${kinds}${text}, not ${JSON.stringify(word)}.`,
        );
      }
    }
  }

  /** Whether a frame's header matches, without regard to the text. */
  takesStart({ from, opcode }: FrameStart, isFaulty: boolean = false): boolean {
    if (this.sides.length > 0 && !this.sides.includes(from)) return false;
    if (this.kinds.length === 0) return true;
    const wide = isControl(opcode) ? 'control' : 'data';
    return this.kinds.some((kind) => kind === kindOf(opcode) || kind === wide || (kind === 'violation' && isFaulty));
  }

  /** Whether a frame matches; `data` is the inflated content of the message that it ends, if it ends one. */
  takes(frame: Frame, data: Uint8Array | undefined): boolean {
    if (!this.takesStart(frame, frame.fault !== undefined)) return false;
    if (this.texts.length === 0) return true;
    const text = textIn(data ?? frame.payload) ?? '';
    return this.texts.some((pattern) => pattern.test(text));
  }
}

function patternOf(value: string, option: string): RegExp {
  const [, pattern, flags] = /^\/(.+)\/([ims]*)$/.exec(value) ?? [];
  if (pattern === undefined) return new RegExp(value.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  try {
    return new RegExp(pattern, flags);
  } catch {
    throw new CommandError(`${option} text=${value}: this is no regular expression.`);
  }
}
