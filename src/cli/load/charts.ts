// `lineChart` and `barChart` draw figures as SVG, in the colours of the page that contains them.
import { escapeHtml } from '../page.js';

const WIDTH = 860;
const HEIGHT = 300;
const LEFT = 70;
const RIGHT = 20;
const TOP = 16;
const BOTTOM = 44;

/** One line of a chart. */
export interface Series {
  readonly name: string;
  /** In the units of the axes. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Whether it belongs to an earlier run, whose lines are thin and dashed. */
  readonly isEarlier?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly ticks: readonly (readonly [at: number, text: string])[];
}

/** Draws lines over two linear axes, each from its least to its greatest tick. */
export function lineChart(title: string, series: readonly Series[], x: Axis, y: Axis): string {
  const across = scale(x, LEFT, WIDTH - RIGHT);
  const up = scale(y, HEIGHT - BOTTOM, TOP);
  const grid = [
    ...y.ticks.map(
      ([at, text]) =>
        `<path class="grid" d="M${LEFT} ${up(at)}H${WIDTH - RIGHT}"/>` +
        `<text x="${LEFT - 8}" y="${up(at) + 4}" text-anchor="end">${escapeHtml(text)}</text>`,
    ),
    ...x.ticks.map(
      ([at, text], index) =>
        `<path class="grid" d="M${across(at)} ${TOP}V${HEIGHT - BOTTOM}"/>` +
        `<text x="${across(at)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="${index + 1 < x.ticks.length ? 'middle' : 'end'}">${escapeHtml(text)}</text>`,
    ),
  ];
  const lines = series.map(({ points, isEarlier = false }, at) => {
    const path = points.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${across(px)} ${up(py)}`).join('');
    return `<path class="line c${at % COLOURS}${isEarlier ? ' earlier' : ''}" d="${path}"/>`;
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>${legend(series.map(({ name }) => name))}
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">
${grid.join('\n')}
${lines.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(x.label)}</text>
<text x="14" y="${(TOP + HEIGHT - BOTTOM) / 2}" transform="rotate(-90 14 ${(TOP + HEIGHT - BOTTOM) / 2})" text-anchor="middle">${escapeHtml(y.label)}</text>
</svg></figure>`;
}

/** Draws one bar per row, with lengths in proportion to the values. */
export function barChart(title: string, rows: readonly { name: string; value: number; text: string }[]): string {
  const most = Math.max(...rows.map(({ value }) => value), Number.MIN_VALUE);
  const [label, number, row] = [190, 130, 24];
  const bars = rows.map(({ name, value, text }, at) => {
    const length = Math.max(1, (value / most) * (WIDTH - label - number));
    const y = at * row;
    return (
      `<text x="${label - 8}" y="${y + 16}" text-anchor="end">${escapeHtml(name)}</text>` +
      `<rect class="bar" x="${label}" y="${y + 3}" width="${length.toFixed(1)}" height="${row - 7}"/>` +
      `<text x="${(label + length + 8).toFixed(1)}" y="${y + 16}">${escapeHtml(text)}</text>`
    );
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${rows.length * row}" role="img" aria-label="${escapeHtml(title)}">
${bars.join('\n')}
</svg></figure>`;
}

/** Returns ticks at round numbers from 0 to at least `most`. */
export function ticksUpTo(most: number, write: (value: number) => string): Axis['ticks'] {
  const rough = (most > 0 ? most : 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough)!;
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, at) => [at * step, write(at * step)] as const);
}

/** The number of colours that lines have. */
const COLOURS = 4;

export const CHART_STYLE = `figure{margin:2rem 0}figcaption{font-weight:600;margin-bottom:.5rem}
svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--text)}
.grid{stroke:var(--rule);fill:none}.line{fill:none;stroke-width:2;stroke-linejoin:round}.earlier{stroke-width:1.2;stroke-dasharray:5 3}
.bar{fill:var(--c0)}.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:1rem;margin:0;padding:0;font-size:.85rem}
.legend li::before{content:"";display:inline-block;width:1rem;height:.25rem;margin-right:.4rem;vertical-align:middle}
.legend .k0::before{background:var(--c0)}.legend .k1::before{background:var(--c1)}.legend .k2::before{background:var(--c2)}.legend .k3::before{background:var(--c3)}`;

function legend(names: readonly string[]): string {
  if (names.length < 2) return '';
  const items = names.map((name, at) => `<li class="k${at % COLOURS}">${escapeHtml(name)}</li>`);
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** Returns the function from values to positions in the drawing, in tenths of a unit. */
function scale({ ticks }: Axis, from: number, to: number): (value: number) => number {
  const [least, greatest] = [ticks[0][0], ticks.at(-1)![0]];
  return (value) => Math.round((from + ((value - least) / (greatest - least || 1)) * (to - from)) * 10) / 10;
}
