// `writeReport` formats a result for a terminal: figures, a histogram, and the changes from an earlier result.
import { fold } from '../fold.js';
import { changesOf, differences } from './compare.js';
import { PERCENTILES } from './histogram.js';
import type { Result } from './result.js';
import { inBytes, inKinds, inMs, inSeconds, percent, perSecond } from './words.js';

/** The most rows of the histogram, the columns of its longest bar, and those beside the bar. */
const ROWS = 16;
const BAR = 40;
const BESIDE_BAR = 28;
/** The columns of the names at the left of figures. */
const NAME = 13;
/** The busy share of a worker above which the worker may limit the rate. */
const BUSY = 0.9;
/** The delay of sends, in ms, above which the load was not the requested one. */
const LATE = 1;

/** Returns the settings of a result in one line. */
export function describe({ url, settings, measured }: Pick<Result, 'url' | 'settings' | 'measured'>): string {
  const { connections, depth, rate, messages, workers } = settings;
  const pace = depth === undefined ? `${perSecond(rate!)} messages/s` : `${depth} deep`;
  const threads = `${workers} worker${workers === 1 ? '' : 's'}`;
  return `${url}, ${connections} connection${connections === 1 ? '' : 's'}, ${pace}, ${messages}, ${inSeconds(measured)}, ${threads}`;
}

/**
 * Returns the report.
 * @param columns the width of the terminal, for the histogram and long lines; undefined if there is none
 */
export function writeReport(result: Result, before: Result | undefined, columns?: number): string {
  const { messages, bytes, connections, latency, errors, measured, settings } = result;
  const { count: opened, compressed } = connections;
  const agreed = settings.messages.includes('compressed') ? `, ${compressed} compressed` : '';
  const lines = [
    describe(result),
    '',
    `messages     ${perSecond(messages.perSecond)}/s   ${perSecond(messages.answered)} answered in ${inSeconds(measured)}`,
    `bytes        ${inBytes(bytes.receivedPerSecond)}/s in, ${inBytes(bytes.sentPerSecond)}/s out, on the wire`,
    `connections  ${opened} of ${settings.connections}${agreed}; opened in p50 ${inMs(connections.p50)}, ` +
      `p99 ${inMs(connections.p99)}, max ${inMs(connections.max)}`,
    `errors       ${inKinds(errors) || 'none'}`,
    '',
    ...(latency.count === 0 ? ['No answer has come.'] : latencyLines(result, columns)),
    ...warnings(result),
    ...(before === undefined ? [] : comparison(before, result)),
  ];
  return fold(`${lines.join('\n')}\n`, columns);
}

function latencyLines({ latency }: Result, columns = Infinity): string[] {
  const names = [...PERCENTILES.map((name) => `p${name}` as const), 'max' as const];
  const cells = names.map((name) => inMs(latency[name]));
  const widths = names.map((name, at) => Math.max(name.length, cells[at].length) + 3);
  // As many percentiles stand side by side as there is room for.
  const rows: [names: string, cells: string][] = [];
  let left = 0;
  for (const [at, width] of widths.entries()) {
    // The gap behind the last cell needs no room.
    if (rows.length === 0 || left < width - 3) {
      rows.push(['', '']);
      left = columns - NAME;
    }
    const row = rows.at(-1)!;
    row[0] += names[at].padEnd(width);
    row[1] += cells[at].padEnd(width);
    left -= width;
  }
  const indent = ' '.repeat(NAME);
  const from = latency.isCorrected
    ? 'from the moment at which each message was due'
    : 'from each send, without correction: --rate measures as users see it';
  return [
    ...rows.flatMap(([above, below], at) => [
      `${(at === 0 ? 'latency' : '').padEnd(NAME)}${above.trimEnd()}`,
      `${indent}${below.trimEnd()}`,
    ]),
    `${indent}${from}`,
    '',
    ...histogram(latency.buckets, Math.max(1, Math.min(BAR, columns - BESIDE_BAR))),
  ];
}

/** Draws bars for ranges of latency, each of which is a constant factor longer than the one before. */
function histogram(buckets: Result['latency']['buckets'], longestBar: number): string[] {
  const [shortest, longest] = [buckets[0][0], buckets.at(-1)![0]];
  const factor = Math.max(1.02, (longest / shortest) ** (1 / ROWS));
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  const rows: { from: number; to: number; count: number }[] = [];
  let at = 0;
  for (let from = shortest; at < buckets.length; from *= factor) {
    let count = 0;
    // The last row takes all that is left, in spite of rounding errors.
    const to = rows.length === ROWS - 1 ? Number.POSITIVE_INFINITY : from * factor;
    while (at < buckets.length && buckets[at][0] < to) count += buckets[at++][1];
    rows.push({ from, to: Math.min(to, longest), count });
  }
  const most = Math.max(...rows.map(({ count }) => count));
  return rows.map(({ from, to, count }) => {
    const bar = '█'.repeat(Math.round((count / most) * longestBar)) || (count > 0 ? '▏' : '');
    const range = `${inMs(from).padStart(8)} - ${inMs(to).padEnd(8)}`;
    return `${range} ${bar.padEnd(longestBar)} ${count > 0 ? percent(count / total).padStart(7) : ''}`.trimEnd();
  });
}

/** Returns warnings that the load itself has affected the figures. */
export function warnings({
  late,
  load,
  settings,
  latency,
}: Pick<Result, 'late' | 'load' | 'settings' | 'latency'>): string[] {
  const sentences: string[] = [];
  if (late !== undefined && late.p99 > LATE && latency.count > 0) {
    sentences.push(
      `The load itself was late: of its sends, 1 % left ${inMs(late.p99)} or more after their time. ` +
        'That is in the latencies: ask for a lower rate, or for more workers.',
    );
  }
  if (late === undefined && load.busy > BUSY) {
    sentences.push(
      `The load was busy for ${percent(load.busy)} of the time: the server may be able to do more. ` +
        `${settings.workers === 1 ? '--workers 2' : 'More workers'} may show it.`,
    );
  }
  return sentences.length === 0 ? [] : ['', ...sentences];
}

function comparison(before: Result, now: Result): string[] {
  const rows = changesOf(before, now).map(({ name, before: was, now: is, percent: worse }) => {
    const write = name === 'messages/s' ? perSecond : inMs;
    const change =
      Math.abs(worse) < 0.05 ? 'the same' : `${Math.abs(worse).toFixed(1)} % ${worse > 0 ? 'worse' : 'better'}`;
    return `${name.padEnd(12)} ${write(was).padStart(12)} ${write(is).padStart(12)}   ${change}`;
  });
  const different = differences(before, now);
  const warning = different.length === 0 ? [] : [`The settings differ: ${different.join('; ')}.`];
  const title = `${'compared'.padEnd(12)} ${before.startedAt.slice(0, 10).padStart(12)} ${'now'.padStart(12)}`;
  return ['', title, ...rows, ...warning];
}
