// `npm run bench:report`: bench/results/*.json -> bench/RESULTS.md, with a chart of each table in bench/results/*.svg. Names the
// machine, the Node version, the date, the spread and the command of each figure.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { formatNumber } from './lib/results.mjs';
import { drawTable } from './lib/svg.mjs';

const RESULTS = new URL('results/', import.meta.url);
const ORDER = ['echo', 'growth', 'bench', 'micro', 'deflate', 'broadcast', 'topics', 'grid'];

const files = readdirSync(RESULTS);
for (const file of files.filter((name) => name.endsWith('.svg'))) rmSync(new URL(file, RESULTS));
const benches = files
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8')))
  // Files of other benches have another shape, and reports of their own.
  .filter(({ tables }) => tables !== undefined)
  .sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name));

const text = [
  '# Results',
  '',
  'Written by `npm run bench:report` from `bench/results/*.json`. Each figure is the median of interleaved rounds, with the',
  'lowest and the highest in brackets. A ratio is what the other side takes divided by what ours takes, so that more is better;',
  'with brackets it is the median of the ratios of the rounds, without them the ratio of the medians. Figures hold for the',
  'machine they were taken on; ratios travel better, and no figure is a promise.',
  '',
  ...benches.flatMap(writeBench),
].join('\n');
writeFileSync(new URL('RESULTS.md', import.meta.url), `${text.trimEnd()}\n`);
console.log(`bench/RESULTS.md: ${benches.length} benches, ${benches.flatMap(({ tables }) => tables).length} tables`);

function rank(name) {
  const at = ORDER.findIndex((first) => name.startsWith(first));
  return at === -1 ? ORDER.length : at;
}

function writeBench({ name, command, date, node, machine, notes, tables }) {
  const { processor, cores, memory, system, loadAtStart, loadAtEnd } = machine;
  return [
    `## \`${command}\` on Node ${node.slice(1)}`,
    '',
    `${date.slice(0, 10)}, ${processor}, ${cores} cores, ${memory}, ${system}; load average ${loadAtStart.toFixed(1)} at the`,
    `start and ${loadAtEnd.toFixed(1)} at the end.`,
    '',
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [''] : []),
    ...tables.flatMap((table, i) => writeTable(table, `${name}-${i + 1}.svg`)),
  ];
}

function writeTable(table, chart) {
  writeFileSync(new URL(chart, RESULTS), drawTable(table, formatNumber));
  const names = [...new Set(table.rows.flatMap(({ figures }) => figures.map(({ name }) => name)))];
  const hasRatios = table.rows.some(({ comparisons }) => comparisons.length > 0);
  const head = ['', ...names, ...(hasRatios ? ['ratios'] : [])];
  return [
    `### ${table.title}`,
    '',
    `In ${table.unit}.`,
    '',
    `![${table.title}](results/${chart})`,
    '',
    writeRow(head),
    writeRow(head.map((_, i) => (i === 0 || (hasRatios && i === head.length - 1) ? '---' : '---:'))),
    ...table.rows.map((row) => {
      const cells = names.map((name) => writeFigure(row.figures.find((figure) => figure.name === name)));
      return writeRow([row.label, ...cells, ...(hasRatios ? [row.comparisons.map(writeComparison).join('<br>')] : [])]);
    }),
    '',
  ];
}

function writeRow(cells) {
  return `| ${cells.join(' | ')} |`;
}

function writeFigure(figure) {
  if (figure === undefined) return '';
  const { median, lowest, highest, perSecond } = figure;
  const spread = lowest === highest ? '' : ` (${formatNumber(lowest)}-${formatNumber(highest)})`;
  const rate = perSecond === undefined ? '' : `<br>${Math.round(perSecond).toLocaleString('en-US')}/s`;
  return `${formatNumber(median)}${spread}${rate}`;
}

function writeComparison({ of, against, ratio, lowest, highest, atLeast }) {
  const side = of === 'wsimd' ? '' : `${of}: `;
  const target = atLeast === undefined ? '' : `, target ${atLeast}x ${ratio >= atLeast ? 'met' : '**missed**'}`;
  // Where the sides had not the same rounds, there is one ratio, of their medians.
  const spread = lowest === highest ? '' : ` (${lowest.toFixed(2)}-${highest.toFixed(2)})`;
  return `${side}${ratio.toFixed(2)}x${spread} ${against}${target}`;
}
