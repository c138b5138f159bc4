// `resultPage` and `contendersPage` return results as one HTML page that loads nothing.
import { escapeHtml } from '../page.js';
import type { Contender } from './contenders.js';
import { CHART_STYLE, barChart, lineChart, ticksUpTo, type Axis, type Series } from './charts.js';
import { changesOf, differences } from './compare.js';
import { PERCENTILES } from './histogram.js';
import type { Latency, Result } from './result.js';
import { describe, warnings } from './terminal-report.js';
import { inBytes, inKinds, inMs, inRoundMs, inSeconds, percent, perSecond } from './words.js';

const STYLE = `:root{color-scheme:light dark;--text:#24292f;--back:#fff;--rule:#d8dee4;--c0:#0b7a75;--c1:#e07a1f;--c2:#b23a48;--c3:#4c78a8}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117;--rule:#30363d;--c0:#3cb8b0;--c1:#f0a05a;--c2:#e5707f;--c3:#8ab4e0}}
body{max-width:58rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back)}
h1{font-size:1.4rem}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:right}th:first-child{text-align:left}
.big{display:flex;flex-wrap:wrap;gap:2.5rem;margin:1.5rem 0}.big b{display:block;font-size:1.7rem;font-weight:600}
.quiet{opacity:.75;font-size:.9rem}${CHART_STYLE}`;

/** Returns the page of one result, compared with `before`. */
export function resultPage(result: Result, before: Result | undefined): string {
  const { messages, bytes, latency, connections, errors, settings } = result;
  const big = [
    [`${perSecond(messages.perSecond)}/s`, 'messages'],
    [inMs(latency.p50), 'p50'],
    [inMs(latency.p99), 'p99'],
    [inMs(latency.max), 'max'],
  ].map(([figure, name]) => `<div><b>${figure}</b>${name}</div>`);
  const facts = [
    [
      'Answers',
      `${perSecond(messages.answered)}, and ${perSecond(messages.sent)} messages sent, in ${inSeconds(result.measured)}`,
    ],
    ['On the wire', `${inBytes(bytes.receivedPerSecond)}/s in, ${inBytes(bytes.sentPerSecond)}/s out`],
    [
      'Connections',
      `${connections.count} of ${settings.connections}; opened in p50 ${inMs(connections.p50)}, p99 ${inMs(connections.p99)}, max ${inMs(connections.max)}`,
    ],
    ['Errors', inKinds(errors) || 'none'],
    [
      'Latency',
      latency.isCorrected
        ? 'from the moment at which each message was due'
        : 'from each send, without correction for coordinated omission',
    ],
    ['The load itself', `${inMs(result.load.microsPerMessage / 1000)} of processor time a message`],
  ].map(([name, text]) => `<tr><th scope="row">${name}</th><td>${escapeHtml(text)}</td></tr>`);
  const cautions = warnings(result).filter(Boolean);
  return page(
    'Load test',
    [
      `<p>${escapeHtml(describe(result))}; ${escapeHtml(result.startedAt)}</p>`,
      `<div class="big">${big.join('')}</div>`,
      ...cautions.map((sentence) => `<p><strong>${escapeHtml(sentence)}</strong></p>`),
      `<table>${facts.join('')}</table>`,
      percentileTable([['now', latency], ...(before === undefined ? [] : [['before', before.latency] as const])]),
      ...(latency.count === 0
        ? []
        : [
            percentileChart([
              { name: 'now', latency },
              ...(before === undefined || before.latency.count === 0
                ? []
                : [{ name: before.startedAt, latency: before.latency, isEarlier: true }]),
            ]),
            distribution(latency),
          ]),
      ...(result.seconds.length > 1 ? overTime(result) : []),
      ...(before === undefined ? [] : [changes(before, result)]),
    ].join('\n'),
  );
}

/** Returns the page of known servers under the same load. */
export function contendersPage(contenders: readonly Contender[], description: string, left: readonly string[]): string {
  const chart = (
    title: string,
    pick: (each: Contender) => number | undefined,
    write: (value: number) => string,
  ): string => {
    const rows = contenders.flatMap((each) => {
      const value = pick(each);
      return value === undefined ? [] : [{ name: each.name, value, text: write(value) }];
    });
    return rows.length === 0 ? '' : barChart(title, rows);
  };
  return page(
    'Echo servers under the same load',
    [
      `<p>${escapeHtml(description)}</p>`,
      ...left.map((sentence) => `<p class="quiet">${escapeHtml(sentence)}</p>`),
      chart('Messages a second; longer is better', ({ perSecond: rate }) => rate, perSecond),
      chart(
        'Processor time of the server a message; shorter is better',
        ({ micros }) => micros,
        (value) => inMs(value / 1000),
      ),
      chart('p50; shorter is better', ({ p50 }) => p50, inMs),
      chart('p99; shorter is better', ({ p99 }) => p99, inMs),
      percentileChart(contenders.map(({ name, result }) => ({ name, latency: result.latency }))),
      percentileTable(contenders.map(({ name, result }) => [name, result.latency] as const)),
    ].join('\n'),
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>wsimd bench</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
<h1>${title}</h1>
${body}
<p class="quiet">Written by wsimd bench.</p>
</html>
`;
}

function percentileTable(rows: readonly (readonly [name: string, latency: Latency])[]): string {
  const names = [...PERCENTILES.map((name) => `p${name}` as const), 'max' as const, 'mean' as const];
  const head = names.map((name) => `<th scope="col">${name}</th>`).join('');
  const body = rows.map(
    ([name, latency]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th>${names.map((each) => `<td>${inMs(latency[each])}</td>`).join('')}</tr>`,
  );
  return `<h2>Latency</h2><table><tr><th></th>${head}</tr>${body.join('')}</table>`;
}

/** Draws the latency over percentiles, where each step to the right leaves a tenth of the messages. */
function percentileChart(all: readonly { name: string; latency: Latency; isEarlier?: boolean }[]): string {
  const most = Math.max(...all.map(({ latency }) => latency.max));
  const finest = Math.max(2, ...all.map(({ latency }) => Math.ceil(Math.log10(latency.count))));
  const series: Series[] = all.map(({ name, latency, ...rest }) => {
    let below = 0;
    const points = latency.buckets.map(([ms, count]) => {
      below += count;
      const left = 1 - below / latency.count;
      return [left <= 0 ? Math.log10(latency.count) : -Math.log10(left), ms] as const;
    });
    return { name, points: [[0, latency.min], ...points], ...rest };
  });
  const ticks = Array.from({ length: finest + 1 }, (_, nines) => {
    const text = nines === 0 ? '0' : (100 - 100 / 10 ** nines).toFixed(Math.max(0, nines - 2));
    return [nines, `${text} %`] as const;
  });
  const y: Axis = { label: 'latency', ticks: ticksUpTo(most, inRoundMs) };
  return lineChart('Latency by percentile', series, { label: 'messages that were at least so fast', ticks }, y);
}

/** Draws the share of messages in ranges of latency, on a logarithmic scale. */
function distribution({ buckets, count: total }: Latency): string {
  const rows = 24;
  const [shortest, longest] = [buckets[0][0], buckets.at(-1)![0]];
  const step = Math.max(0.01, Math.log(longest / shortest) / rows);
  const shares = new Map<number, number>();
  for (const [ms, count] of buckets) {
    const row = Math.min(rows - 1, Math.floor(Math.log(ms / shortest) / step));
    shares.set(row, (shares.get(row) ?? 0) + count);
  }
  const last = Math.max(...shares.keys());
  return barChart(
    'Messages by latency',
    Array.from({ length: last + 1 }, (_, row) => {
      const count = shares.get(row) ?? 0;
      const [from, to] = [shortest * Math.exp(row * step), shortest * Math.exp((row + 1) * step)];
      return { name: `${inMs(from)} - ${inMs(to)}`, value: count, text: count === 0 ? '' : percent(count / total) };
    }),
  );
}

function overTime({ seconds }: Result): string[] {
  const x: Axis = { label: 'second, with the warm-up', ticks: ticksUpTo(seconds.length, (at) => String(at)) };
  const line = (name: string, pick: (second: Result['seconds'][number]) => number): Series => ({
    name,
    points: seconds.map((second, at) => [at + 1, pick(second)] as const),
  });
  const most = (pick: (second: Result['seconds'][number]) => number): number => Math.max(...seconds.map(pick));
  return [
    lineChart('Answers a second', [line('answers', ({ answered }) => answered)], x, {
      label: 'answers/s',
      ticks: ticksUpTo(
        most(({ answered }) => answered),
        perSecond,
      ),
    }),
    lineChart(
      'Latency over time',
      [line('p50', ({ p50 }) => p50), line('p99', ({ p99 }) => p99), line('max', ({ max }) => max)],
      x,
      {
        label: 'latency',
        ticks: ticksUpTo(
          most(({ max }) => max),
          inRoundMs,
        ),
      },
    ),
  ];
}

function changes(before: Result, now: Result): string {
  const rows = changesOf(before, now).map(({ name, before: was, now: is, percent: worse }) => {
    const write = name === 'messages/s' ? perSecond : inMs;
    const change = `${Math.abs(worse).toFixed(1)} % ${worse > 0 ? 'worse' : 'better'}`;
    return `<tr><th scope="row">${name}</th><td>${write(was)}</td><td>${write(is)}</td><td>${change}</td></tr>`;
  });
  const different = differences(before, now);
  const warning = different.length === 0 ? '' : `<p>The settings differ: ${escapeHtml(different.join('; '))}.</p>`;
  return `<h2>Compared with ${escapeHtml(before.startedAt)}</h2>${warning}<table>
<tr><th></th><th scope="col">before</th><th scope="col">now</th><th scope="col">change</th></tr>${rows.join('')}</table>`;
}
