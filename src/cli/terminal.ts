// `Terminal` takes a command's output, its complaints, and a line that is rewritten while it works.

/** The outputs of a command. */
export interface Terminal {
  /** Results that were asked for. */
  out(text: string): void;
  /** Everything else. */
  err(text: string): void;
  /** Width of the terminal that `err` goes to; undefined when it goes elsewhere, and so no line is rewritten. */
  columns: number | undefined;
}

/** The terminal of this program. */
export function ownTerminal(): Terminal {
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    // A terminal that does not know its width says 0.
    columns: process.stderr.isTTY ? process.stderr.columns || 80 : undefined,
  };
}

const ERASE_LINE = '\r\u001b[K';

/** A line that each `show` replaces. It never appears where nobody sees it change. */
export class ProgressLine {
  readonly #terminal: Terminal;
  #shown = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** `line` gets the width that it may fill. */
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
