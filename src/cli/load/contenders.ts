// `contend` starts known echo servers, puts each under the same load by turns, and returns their figures.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { wordsOf } from '../command-error.js';
import { KNOWN_SERVERS } from './known-servers.js';
import type { Result } from './result.js';
import type { Settings } from './settings.js';

/** The figures of one server, from the middle one of its turns by messages a second. */
export interface Contender {
  readonly name: string;
  readonly perSecond: number;
  /** The lowest and the highest rate of its turns. */
  readonly lowest: number;
  readonly highest: number;
  readonly p50: number;
  readonly p99: number;
  /** The server's processor time per message, in microseconds; undefined if the system does not report it. */
  readonly micros: number | undefined;
  readonly result: Result;
}

/** Loads a server once. */
export type Turn = (url: string, name: string, round: number) => Promise<Result>;

interface Running {
  readonly name: string;
  readonly url: string;
  readonly child: ChildProcess;
  readonly turns: { result: Result; micros: number | undefined }[];
}

/** The time that a server has to print its port, in ms. */
const STARTING = 10_000;
/** The number of last characters of a server's errors that are kept. */
const COMPLAINT = 64 * 1024;

/**
 * Loads all servers of the settings that can be started.
 * @param left receives a sentence for each server that cannot, with the reason
 */
export async function contend(
  { against, rounds, offersDeflate }: Pick<Settings, 'against' | 'rounds' | 'offersDeflate'>,
  signal: AbortSignal,
  turn: Turn,
  left: (sentence: string) => void,
): Promise<Contender[]> {
  const running: Running[] = [];
  try {
    for (const name of against) {
      const start = KNOWN_SERVERS[name](process.cwd());
      if ('missing' in start) {
        left(`${name} is left out: ${start.missing}.`);
        continue;
      }
      const title = start.version === '' ? name : `${name} ${start.version}`;
      try {
        running.push(await startServer(title, [...start.command, offersDeflate ? 'deflate' : 'plain']));
      } catch (error) {
        // Ctrl-C ends a server that does not know of it yet.
        if (signal.aborted) break;
        left(`${name} is left out: ${wordsOf(error)}.`);
      }
    }
    for (let round = 0; round < rounds && !signal.aborted; round++) {
      for (const { name, url, child, turns } of running) {
        if (signal.aborted) break;
        const before = processorTime(child.pid!);
        let result: Result;
        try {
          result = await turn(url, name, round);
        } catch (error) {
          // The turns before stay of use.
          if (signal.aborted) break;
          throw error;
        }
        if (signal.aborted && result.measured === 0) break;
        const after = processorTime(child.pid!);
        // The server works in the warm-up too, at the same rate, so only a share of the time counts.
        const share = result.measured / (result.measured + result.settings.warmup);
        const isKnown = before !== undefined && after !== undefined && result.messages.answered > 0;
        turns.push({ result, micros: isKnown ? ((after - before) * share) / result.messages.answered : undefined });
      }
    }
    return running.filter(({ turns }) => turns.length > 0).map(middle);
  } finally {
    for (const { child } of running) child.kill();
  }
}

/** Returns the figures of the middle turn. */
function middle({ name, turns }: Running): Contender {
  const sorted = [...turns].sort((a, b) => a.result.messages.perSecond - b.result.messages.perSecond);
  const { result, micros } = sorted[sorted.length >> 1];
  return {
    name,
    perSecond: result.messages.perSecond,
    lowest: sorted[0].result.messages.perSecond,
    highest: sorted.at(-1)!.result.messages.perSecond,
    p50: result.latency.p50,
    p99: result.latency.p99,
    micros,
    result,
  };
}

function startServer(name: string, [command, ...args]: readonly string[]): Promise<Running> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'pipe' });
    // The pipe is never written to: its end tells the server that this program has ended.
    child.stdin.on('error', () => undefined);
    let said = '';
    let complaint = '';
    const timer = setTimeout(() => {
      child.kill();
      reject(new Error('it does not listen'));
    }, STARTING);
    child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + String(chunk)).slice(-COMPLAINT)));
    child.stdout.on('data', (chunk: Buffer) => {
      said += String(chunk);
      const [, port] = /^(\d+)\n/.exec(said) ?? [];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve({ name, url: `ws://127.0.0.1:${port}/`, child, turns: [] });
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', () => {
      clearTimeout(timer);
      const line = complaint.split('\n').find((each) => /error/i.test(each)) ?? 'it does not start';
      reject(new Error(line.trim()));
    });
  });
}

/** The clock ticks of Linux per second: 100 on all platforms of Node, which has no interface for the number. */
const TICKS = 100;

/** Returns the processor time of a process so far, in microseconds; undefined without /proc. */
function processorTime(pid: number): number | undefined {
  try {
    // The name of the program, in brackets, may contain spaces; then come the state and 10 fields before the two times.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS;
  } catch {
    return undefined;
  }
}
