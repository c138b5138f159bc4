// Rows of figures -> an SVG chart of horizontal bars, readable on a light and on a dark page.

const LABEL = 270;
const BARS = 560;
const NUMBER = 130;
const BAR = 16;
const GAP = 14;
const COLOURS = ['#0b7a75', '#e07a1f', '#7b5ea7', '#b23a48', '#4c78a8', '#8c8c8c', '#5b8c2a', '#c9a227'];

/**
 * A chart of one table: a group of bars for each row, each bar as long as its figure is in proportion to the row's
 * longest, since rows differ a hundredfold; thin lines show the lowest and the highest sample.
 * @param {{ title: string, unit: string, rows: object[] }} table
 * @param {(value: number) => string} format
 */
export function drawTable({ title, unit, rows }, format) {
  const names = [...new Set(rows.flatMap(({ figures }) => figures.map(({ name }) => name)))];
  const parts = [];
  let y = 30;
  y = drawLegend(parts, names, y);
  for (const { label, figures } of rows) {
    const longest = Math.max(...figures.map(({ highest }) => highest));
    const scale = longest === 0 ? 0 : BARS / longest;
    parts.push(text(LABEL - 10, y + (figures.length * BAR) / 2 + 4, label, 'end'));
    for (const { name, median, lowest, highest } of figures) {
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      const middle = y + BAR / 2;
      parts.push(
        `<rect x="${LABEL}" y="${y + 1}" width="${Math.max(1, median * scale).toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`,
        `<path d="M${(LABEL + lowest * scale).toFixed(1)} ${middle}H${(LABEL + highest * scale).toFixed(1)}" stroke="#777" stroke-width="1.5"/>`,
        text(LABEL + highest * scale + 8, middle + 4, format(median), 'start'),
      );
      y += BAR;
    }
    y += GAP;
  }
  const width = LABEL + BARS + NUMBER;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">
<title>${escape(title)}, ${escape(unit)}</title>
<style>text{font:12px system-ui,sans-serif;fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>
${text(0, 16, `${unit}; shorter is better`, 'start')}
${parts.join('\n')}
</svg>
`;
}

function drawLegend(parts, names, top) {
  let x = 0;
  let y = top;
  for (const [i, name] of names.entries()) {
    const width = 30 + name.length * 7;
    if (x + width > LABEL + BARS + NUMBER) {
      x = 0;
      y += 20;
    }
    parts.push(
      `<rect x="${x}" y="${y}" width="12" height="12" fill="${COLOURS[i % COLOURS.length]}"/>`,
      text(x + 17, y + 10, name, 'start'),
    );
    x += width;
  }
  return y + 28;
}

function text(x, y, content, anchor) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function escape(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
