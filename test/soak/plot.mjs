// Samples, one a second -> an SVG with one panel for each figure, on the same axis of time.

const WIDTH = 900;
const HEIGHT = 130;
const LEFT = 90;
const PANELS = [
  { title: 'messages a second', colour: '#0b7a75', value: ({ rate }) => rate },
  { title: 'connections', colour: '#4c78a8', value: ({ server }) => server.connections },
  { title: 'RSS of the server, MiB', colour: '#b23a48', value: ({ server }) => server.rss / 1024 / 1024 },
  { title: 'event-loop delay p99, ms', colour: '#e07a1f', value: ({ server }) => server.delayP99 },
  { title: 'faults', colour: '#7b5ea7', value: ({ faults }) => faults },
];

/** @param {{ second: number }[]} samples */
export function drawSoak(samples, title) {
  const seconds = samples.at(-1)?.second ?? 1;
  const panels = PANELS.map(({ title, colour, value }, index) => {
    const top = 40 + index * (HEIGHT + 40);
    const most = Math.max(1, ...samples.map(value)) * 1.05;
    const points = samples.map((sample) => {
      const x = LEFT + (sample.second / seconds) * (WIDTH - LEFT - 20);
      return `${x.toFixed(1)},${(top + HEIGHT - (value(sample) / most) * HEIGHT).toFixed(1)}`;
    });
    return [
      `<text x="${LEFT}" y="${top - 6}">${title}</text>`,
      `<text x="${LEFT - 6}" y="${top + 10}" text-anchor="end">${most.toFixed(most < 10 ? 1 : 0)}</text>`,
      `<text x="${LEFT - 6}" y="${top + HEIGHT}" text-anchor="end">0</text>`,
      `<path d="M${LEFT} ${top}V${top + HEIGHT}H${WIDTH - 20}" fill="none" stroke="#888"/>`,
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    ].join('\n');
  });
  const height = 60 + PANELS.length * (HEIGHT + 40);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">
<title>${title}</title>
<style>text{font:12px system-ui,sans-serif;fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>
<text x="${LEFT}" y="16">${title}</text>
${panels.join('\n')}
<text x="${WIDTH - 20}" y="${height - 22}" text-anchor="end">${seconds} s</text>
</svg>
`;
}
