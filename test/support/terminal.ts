// A terminal that keeps what a command says, and a way to interrupt the command as Ctrl-C does.
import type { Terminal } from '../../src/cli/terminal.js';

/** A command's outputs. */
export interface Said {
  terminal: Terminal;
  text: { out: string; err: string };
}

export function sayingTerminal(): Said {
  const text = { out: '', err: '' };
  const terminal = {
    out: (more: string) => void (text.out += more),
    err: (more: string) => void (text.err += more),
    columns: undefined,
  };
  return { terminal, text };
}
