// `bench` runs `wsimd bench URL`: it puts a WebSocket server under load, and reports its rate and latencies.
import { plural } from '../arguments.js';
import { CommandError } from '../command-error.js';
import { checkPlace, writeFile } from '../files.js';
import { fold } from '../fold.js';
import { print, ProgressLine, type Terminal } from '../terminal.js';
import { readResult } from './compare.js';
import { contend, type Contender } from './contenders.js';
import { run, type Hire, type Second } from './crew.js';
import { contendersPage, resultPage } from './html-report.js';
import type { Errors, Plan, Target } from './plan.js';
import { makeResult, type Result } from './result.js';
import { readSettings, targetOf, type Settings } from './settings.js';
import { describe, writeReport } from './terminal-report.js';
import { judge } from './thresholds.js';
import { USAGE } from './usage.js';
import { inMs, perSecond } from './words.js';

/**
 * Runs `wsimd bench`.
 * @param hire starts a worker; default: in a new thread
 * @returns the exit status
 * @throws CommandError for invalid arguments, and if nothing could be measured
 */
export async function bench(args: string[], terminal: Terminal, signal: AbortSignal, hire?: Hire): Promise<number> {
  const settings = readSettings(args);
  if (settings === undefined) {
    print(USAGE, terminal);
    return 0;
  }
  for (const file of [settings.json, settings.html]) if (file !== undefined && file !== '-') checkPlace(file);
  const before = settings.compare === undefined ? undefined : readResult(settings.compare);
  const asked = { settings, terminal, signal, hire };
  return settings.target === undefined ? compareServers(asked) : loadOne(asked, settings.target, before);
}

interface Asked {
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly hire: Hire | undefined;
}

async function loadOne(asked: Asked, target: Target, before: Result | undefined): Promise<number> {
  const { settings, terminal, signal } = asked;
  const result = await load(asked, target, '');
  if (signal.aborted && result.measured === 0) throw new CommandError('Ended in the warm-up: nothing was measured.');
  const width = settings.json === '-' ? terminal.columns : terminal.width;
  say(asked, writeReport(result, before, width));
  save(settings, terminal, result, () => resultPage(result, before));
  const broken = judge(result, settings.limits, before);
  for (const sentence of broken) terminal.err(`${sentence}\n`);
  return broken.length > 0 ? 1 : 0;
}

async function compareServers(asked: Asked): Promise<number> {
  const { settings, terminal, signal } = asked;
  const left: string[] = [];
  const contenders = await contend(
    settings,
    signal,
    (url, name, round) => {
      const target = targetOf(url, { ...NOTHING_MORE, deflate: settings.offersDeflate });
      return load(asked, target, `${name}, round ${round + 1} of ${settings.rounds}: `);
    },
    (sentence) => {
      left.push(sentence);
      terminal.err(`${sentence}\n`);
    },
  );
  if (contenders.length === 0)
    throw new CommandError(signal.aborted ? 'Ended before a server was measured.' : 'No server could be measured.');
  const description = describe({ ...contenders[0].result, url: plural(settings.rounds, 'round') });
  const width = settings.json === '-' ? terminal.columns : terminal.width;
  say(asked, fold(`${description}\n\n`, width) + contenderTable(contenders, width));
  save(settings, terminal, { servers: contenders, left }, () => contendersPage(contenders, description, left));
  return 0;
}

/** Prints a report, on the standard error if JSON goes to the standard output. */
function say({ settings, terminal }: Asked, report: string): void {
  if (settings.json === '-') terminal.err(report);
  else terminal.out(report);
}

const NOTHING_MORE = { header: [], protocol: [], insecure: false } as const;

/** Returns a table with a row for each server; where that is too wide for `columns`, with a column for each. */
export function contenderTable(contenders: readonly Contender[], columns: number = Infinity): string {
  const head = ['server', 'messages/s', 'lowest', 'highest', 'p50', 'p99', 'CPU a message', 'wsimd is'];
  const [ours] = contenders;
  const rows = contenders.map((each) => {
    const { name, perSecond: rate, lowest, highest, p50, p99, micros } = each;
    // Processor time says more than the rate, which the load may limit.
    const factor = micros === undefined || ours.micros === undefined ? ours.perSecond / rate : micros / ours.micros;
    const times = each === ours ? '' : `${factor.toFixed(2)}x`;
    const time = micros === undefined ? '?' : inMs(micros / 1000);
    return [name, perSecond(rate), perSecond(lowest), perSecond(highest), inMs(p50), inMs(p99), time, times];
  });
  const wide = aligned([head, ...rows]);
  if (wide.every((line) => line.length <= columns)) return `${wide.join('\n')}\n`;
  return `${aligned(head.map((title, at) => [title, ...rows.map((row) => row[at])])).join('\n')}\n`;
}

/** Returns the lines of a table. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  ')
      .trimEnd(),
  );
}

function save({ json, html }: Settings, terminal: Terminal, result: object, page: () => string): void {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (json === '-') terminal.out(text);
  else if (json !== undefined) writeFile(json, text);
  if (html !== undefined) writeFile(html, page());
}

/** Loads one server; the progress line begins with `title`. */
async function load({ settings, terminal, signal, hire }: Asked, target: Target, title: string): Promise<Result> {
  const line = new ProgressLine(terminal);
  const seconds: Second[] = [];
  let failed: Errors = {};
  const startedAt = new Date();
  const whole = Math.ceil((settings.warmup + settings.duration) / 1000);
  line.show((width) => `${title}opening ${settings.connections} connections to ${target.url}`.slice(0, width));
  const watcher = {
    connected: (_open: number, errors: Errors) => void (failed = errors),
    progress(second: Second) {
      seconds.push(second);
      const { answered, errors, latency, open } = second;
      line.show((width) => {
        const [p50, p99] = [50, 99].map((percent) => inMs(latency.percentile(percent) / 1e6));
        const text =
          `${title}${Math.min(seconds.length, whole)} of ${whole} s: ${perSecond(answered)} messages/s, ` +
          `p50 ${p50}, p99 ${p99}, ${open} open${errors > 0 ? `, ${errors} errors` : ''}`;
        return text.slice(0, width);
      });
    },
  };
  try {
    const done = await run(plansOf(settings, target), watcher, signal, hire);
    if (done.length === 0 && Object.keys(failed).length > 0) {
      const [[kind]] = Object.entries(failed).sort(([, a], [, b]) => b - a);
      throw new CommandError(`Cannot connect to ${target.unix ?? target.url}: ${kind}.`);
    }
    if (done.length === 0) throw new CommandError('Ended before a message was sent.');
    return makeResult(settings, target.url, { done, seconds, startedAt });
  } finally {
    line.clear();
  }
}

/** Returns one plan per worker, with the connections shared as evenly as possible. */
function plansOf(settings: Settings, target: Target): Plan[] {
  const { connections, workers, connectRate, pace, payloads, isBinary, warmup, duration, timeout } = settings;
  return Array.from({ length: workers }, (_, worker) => {
    const first = Math.floor((connections * worker) / workers);
    return {
      target,
      pace,
      payloads,
      isBinary,
      connections: Math.floor((connections * (worker + 1)) / workers) - first,
      first,
      allConnections: connections,
      connectRate: connectRate / workers,
      warmup,
      duration,
      timeout,
    };
  });
}
