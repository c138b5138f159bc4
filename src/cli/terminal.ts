// `Terminal` prints a command's results and errors, and `ProgressLine` rewrites a line while the command works.
import { fold } from './fold.js';

/** The outputs of a command. */
export interface Terminal {
  /** Prints results. */
  out(text: string): void;
  /** Prints everything else. */
  err(text: string): void;
  /** The width of the terminal that `err` prints to; undefined if it is no terminal, so that no line is rewritten. */
  columns: number | undefined;
  /** The width of the terminal that `out` prints to; undefined for a pipe or a file, whose lines nothing breaks. */
  width?: number | undefined;
}

/** Prints results, with lines that fit the terminal. */
export function print(text: string, terminal: Terminal): void {
  terminal.out(fold(text, terminal.width));
}

/** Returns the terminal of this program. */
export function ownTerminal(): Terminal {
  return {
    out: (text) => process.stdout.write(text),
    // A progress line, which has no end, has been cut to the width already.
    err: (text) => process.stderr.write(text.endsWith('\n') ? fold(text, columnsOf(process.stderr)) : text),
    get columns() {
      return columnsOf(process.stderr);
    },
    get width() {
      return columnsOf(process.stdout);
    },
  };
}

function columnsOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  // A terminal that does not know its width reports 0.
  return isTTY ? columns || 80 : undefined;
}

const ERASE_LINE = '\r\u001b[K';

/** A line that each `show` replaces. It appears only in a terminal. */
export class ProgressLine {
  readonly #terminal: Terminal;
  #shown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** `line` receives the width that it may fill. */
  show(line: (width: number) => string): void {
    const { columns } = this.#terminal;
    if (columns === undefined) return;
    // The last column stays free: filling it would begin a new line.
    this.#terminal.err(ERASE_LINE + line(columns - 1));
    this.#shown = true;
  }

  clear(): void {
    if (this.#shown) this.#terminal.err(ERASE_LINE);
    this.#shown = false;
  }
}
