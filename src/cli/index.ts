#!/usr/bin/env node
// The program `wsimd`: the first argument names a command, the rest are the command's own.
import { ownVersion } from './arguments.js';
import { CommandError } from './command-error.js';
import { conformance } from './conformance.js';
import { serve } from './serve.js';
import { ownTerminal, print, type Terminal } from './terminal.js';
import { connect } from './tool/connect.js';

/** A command, which takes its arguments and returns its exit status. */
type Command = (args: string[], terminal: Terminal, signal: AbortSignal) => Promise<number>;

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['serve', serve],
  ['conformance', conformance],
  ['connect', (args, terminal, signal) => connect(args, terminal, signal)],
  // The other commands are loaded only when they run.
  ['bench', async (args, terminal, signal) => (await import('./load/bench.js')).bench(args, terminal, signal)],
  ['proxy', async (args, terminal, signal) => (await import('./proxy/proxy.js')).proxy(args, terminal, signal)],
  ['replay', async (args, terminal, signal) => (await import('./replay/replay.js')).replay(args, terminal, signal)],
]);

const USAGE = `wsimd serve                           runs an echo server with a page to try it
wsimd conformance server|client ...   examines a WebSocket implementation
wsimd connect URL                     talks to a WebSocket server
wsimd bench URL                       puts a WebSocket server under load
wsimd proxy LISTEN TARGET             shows, records and disturbs what passes between clients and a server
wsimd replay FILE URL                 plays a recording, as its client or its server
wsimd --help | --version

wsimd COMMAND --help, or wsimd help COMMAND, explains a command.
`;

async function main([name, ...args]: string[], terminal: Terminal): Promise<number> {
  if (name === 'help') return main([...args, '--help'], terminal);
  if (name === '--help') {
    print(USAGE, terminal);
    return 0;
  }
  if (name === '--version') {
    terminal.out(`${ownVersion()}\n`);
    return 0;
  }
  const command = COMMANDS.get(name);
  if (command === undefined) {
    const complaint = name === undefined ? 'Which command?' : `There is no command ${JSON.stringify(name)}.`;
    throw new CommandError(
      `${complaint} There are: ${[...COMMANDS.keys(), 'help', '--help', '--version'].join(', ')}.`,
    );
  }
  return command(args, terminal, interruption.signal);
}

const interruption = new AbortController();
// The first signal lets the command end cleanly; the second ends the program at once.
for (const name of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) {
  process.on(name, (_: string, number: number) => {
    if (interruption.signal.aborted) process.exit(128 + number);
    interruption.abort();
  });
}
const terminal = ownTerminal();
// If the reader of a pipe has ended, such as `head`, the command ends too; without a reader of errors, it goes on.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  interruption.abort();
  if (code === 'EPIPE' || process.exitCode === 2) return;
  process.exitCode = 2;
  terminal.err(`Cannot write to the standard output: ${message}.\n`);
});
process.stderr.on('error', () => undefined);
try {
  const status = await main(process.argv.slice(2), terminal);
  process.exitCode ??= status;
} catch (error) {
  // Status 1 means that a case was refused, so a command that cannot run has another status.
  process.exitCode = 2;
  terminal.err(
    error instanceof CommandError ? `${error.message}\n` : `${error instanceof Error ? error.stack : String(error)}\n`,
  );
}
