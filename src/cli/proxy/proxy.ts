// `proxy` runs `wsimd proxy LISTEN TARGET`: it relays WebSocket connections, and shows, records and disturbs frames.
import { existsSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { plural } from '../arguments.js';
import { print, type Terminal } from '../terminal.js';
import { Recorder } from '../traffic/recorder.js';
import { Gate } from './gate.js';
import { ProxyPage } from './page-server.js';
import { PROXY_USAGE, proxySettings, type ProxySettings } from './settings.js';
import { TerminalLog } from './terminal-log.js';
import type { Watch } from './watch.js';

/** The terminal of the user. */
export interface Watcher {
  /** The stream of pressed keys; undefined if there is no keyboard. */
  readonly keys: Readable | undefined;
  /** Whether the output goes to a terminal, and whether it has colours. */
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
}

/** Returns the terminal of this program. */
function ownWatcher(): Watcher {
  const { stdin, stdout } = process;
  const isTerminal = stdout.isTTY;
  return {
    keys: stdin.isTTY && isInForeground() ? stdin : undefined,
    isTerminal,
    hasColours: isTerminal && !process.env.NO_COLOR,
  };
}

const STATE = '/proc/self/stat';

/** Whether the terminal lets this program read: it stops one in the background that does (known on Linux only). */
function isInForeground(): boolean {
  if (!existsSync(STATE)) return true;
  // proc(5): after the name in parentheses the state, the parent, the process group, the session, the terminal, its group.
  const [, , group, , , foreground] = readFileSync(STATE, 'utf8').split(') ').at(-1)!.split(' ');
  // Without a group, this is not the terminal that controls the program.
  return Number(foreground) <= 0 || group === foreground;
}

/**
 * Runs `wsimd proxy` until `signal` aborts, or q is typed.
 * @returns the exit status
 * @throws CommandError for invalid arguments, and for a port that is not available
 */
export async function proxy(
  args: string[],
  terminal: Terminal,
  signal: AbortSignal,
  watcher: Watcher = ownWatcher(),
): Promise<number> {
  const settings = proxySettings(args);
  if (settings === undefined) {
    print(PROXY_USAGE, terminal);
    return 0;
  }
  const { filter, isQuiet, record, page: pagePort } = settings;
  const log = new TerminalLog(terminal, filter, watcher.isTerminal, watcher.hasColours);
  const recorder = record === undefined ? undefined : new Recorder(record, (sentence) => terminal.err(sentence));
  const page = pagePort === undefined ? undefined : new ProxyPage(settings.target.url, (pauses) => pause(pauses));
  const watches: Watch[] = [...(isQuiet ? [] : [log]), ...(recorder === undefined ? [] : [recorder])];
  if (page !== undefined) watches.push(page);
  const gate = new Gate(settings, watches, (connection, text, frame) => {
    if (frame === undefined || (!isQuiet && filter.takesStart(frame))) log.note(connection, text);
    page?.note(connection, text);
  });
  function pause(pauses: boolean): void {
    gate.pause(pauses);
    page?.paused(pauses);
    terminal.err(pauses ? 'Paused: nothing passes.\n' : 'Goes on.\n');
  }
  const begun = performance.now();
  let pageUrl: string | undefined;
  let port: number;
  try {
    port = await gate.listen();
    pageUrl = await page?.listen(pagePort!);
  } catch (error) {
    await gate.close();
    throw error;
  }
  terminal.err(greeting(settings, port, pageUrl, watcher.keys !== undefined));
  await ended(watcher.keys, signal, () => pause(!gate.isPaused));
  await gate.close();
  await page?.close();
  log.flush();
  terminal.err(summary(gate, watches.length > 0, performance.now() - begun));
  recorder?.close();
  if (recorder !== undefined) terminal.err(`${record} holds ${plural(recorder.frames, 'frame')}.\n`);
  return 0;
}

function greeting(
  { host, tls, target }: ProxySettings,
  port: number,
  page: string | undefined,
  hasKeys: boolean,
): string {
  const own = `${tls === undefined ? 'ws' : 'wss'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const keys = hasKeys ? ' p pauses, q ends.' : '';
  return `Passing ${own} on to ${target.url}.${page === undefined ? '' : ` Page: ${page}.`}${keys}\n`;
}

/** Handles pressed keys; resolves when a key or `signal` ends the program. */
async function ended(keys: Readable | undefined, signal: AbortSignal, turn: () => void): Promise<void> {
  const tty = keys as (Readable & Partial<ReadStream>) | undefined;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    tty?.setRawMode?.(true);
    tty?.on('data', (data: Buffer | string) => {
      for (const key of String(data)) {
        if (key === 'p' || key === ' ') turn();
        // In raw mode, Ctrl-C and Ctrl-D arrive as characters.
        else if (key === 'q' || key === '\u0003' || key === '\u0004') resolve();
      }
    });
  });
  tty?.setRawMode?.(false);
  tty?.destroy();
}

function summary({ totals }: Gate, wasRead: boolean, ms: number): string {
  const { connections, bytes, frames, faults, dropped, cut } = totals;
  const way = (side: 'client' | 'server'): string =>
    `${wasRead ? `${plural(frames[side], 'frame')}, ` : ''}${plural(bytes[side], 'byte')}`;
  const lines = [
    `${plural(connections, 'connection')} in ${(ms / 1000).toFixed(1)} s.`,
    `From clients: ${way('client')}. From the server: ${way('server')}.`,
  ];
  if (wasRead) lines.push(faults === 0 ? 'No rule was broken.' : `${plural(faults, 'frame')} broke a rule.`);
  if (dropped > 0) lines.push(`${plural(dropped, 'frame')} dropped.`);
  if (cut > 0) lines.push(`${plural(cut, 'connection')} cut.`);
  return `${lines.join(' ')}\n`;
}
