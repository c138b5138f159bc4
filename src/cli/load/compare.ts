// `readResult` reads an earlier result, and `changesOf` compares another one with it.
import { CommandError } from '../command-error.js';
import { parsed, readFile } from '../files.js';
import { PERCENTILES } from './histogram.js';
import type { Result } from './result.js';

const LATENCIES = [...PERCENTILES.map((percent) => `p${percent}` as const), 'max' as const];

/** The change of a figure; `percent` is above 0 if the figure has become worse. */
export interface Change {
  readonly name: string;
  readonly before: number;
  readonly now: number;
  readonly percent: number;
}

/**
 * Reads a result that `--json` wrote to a file.
 * @throws CommandError if the file cannot be read, or holds no result
 */
export function readResult(file: string): Result {
  const result = (parsed(readFile(file)) ?? {}) as Partial<Result>;
  if (result.format !== 'wsimd bench 1')
    throw new CommandError(`${file} holds no result of wsimd bench URL --json FILE.`);
  const { startedAt, settings, messages, latency } = result;
  const figures = [
    messages?.perSecond,
    ...['count', 'min', 'mean', ...LATENCIES].map((name) => latency?.[name as 'max']),
  ];
  const isWhole =
    typeof startedAt === 'string' &&
    typeof (settings ?? 0) === 'object' &&
    figures.every(Number.isFinite) &&
    Array.isArray(latency?.buckets) &&
    latency.buckets.every(Array.isArray);
  if (!isWhole) throw new CommandError(`${file} lacks some of what wsimd bench URL --json FILE writes.`);
  return result as Result;
}

/** Compares the rates, the percentiles and the longest latencies. */
export function changesOf(before: Result, now: Result): Change[] {
  const [then, rate] = [before.messages.perSecond, now.messages.perSecond];
  const latencies = LATENCIES.map((name) => {
    const [was, is] = [before.latency[name], now.latency[name]];
    return { name, before: was, now: is, percent: was === 0 ? 0 : (is / was - 1) * 100 };
  });
  return [
    { name: 'messages/s', before: then, now: rate, percent: then === 0 ? 0 : (1 - rate / then) * 100 },
    ...latencies,
  ];
}

/** Returns the settings in which two results differ, so that their figures cannot be compared. */
export function differences(before: Result, now: Result): string[] {
  const names = [
    ...new Set([...Object.keys(before.settings), ...Object.keys(now.settings)]),
  ] as (keyof Result['settings'])[];
  return names
    .filter((name) => before.settings[name] !== now.settings[name])
    .map((name) => `${name} ${before.settings[name] ?? 'none'}, now ${now.settings[name] ?? 'none'}`);
}
