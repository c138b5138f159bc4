// `judge` compares a result with the limits of the command line, so that a build fails when a server has become slow.
import { changesOf } from './compare.js';
import type { Limits } from './limits.js';
import { countErrors, type Result } from './result.js';
import { inMs, perSecond } from './words.js';

const LATENCIES = {
  'max-p50': 'p50',
  'max-p90': 'p90',
  'max-p99': 'p99',
  'max-p99.9': 'p99.9',
  'max-p99.99': 'p99.99',
  'max-latency': 'max',
} as const;

/** The figures to which `--max-worse` applies; higher percentiles differ too much from run to run. */
const COMPARED = ['messages/s', 'p50', 'p90', 'p99'];

/** Returns a sentence for each limit that is not kept. Without `--max-errors`, no error is allowed. */
export function judge(result: Result, limits: Limits, before: Result | undefined): string[] {
  const broken: string[] = [];
  for (const [option, name] of Object.entries(LATENCIES)) {
    const limit = limits[option as keyof typeof LATENCIES];
    const latency = result.latency[name];
    if (limit !== undefined && latency > limit)
      broken.push(`${name} is ${inMs(latency)}, above --${option} ${limit} ms.`);
  }
  const { 'min-rate': least, 'max-errors': most = 0, 'max-worse': worse } = limits;
  const rate = result.messages.perSecond;
  if (least !== undefined && rate < least)
    broken.push(`${perSecond(rate)} messages/s are below --min-rate ${perSecond(least)}.`);
  const errors = countErrors(result);
  if (errors > most) broken.push(`${errors} error${errors === 1 ? '' : 's'}: above --max-errors ${most}.`);
  if (worse !== undefined && before !== undefined) {
    for (const { name, percent } of changesOf(before, result)) {
      if (COMPARED.includes(name) && percent > worse)
        broken.push(`${name} is ${percent.toFixed(1)} % worse: above --max-worse ${worse} %.`);
    }
  }
  return broken;
}
