// Measured tables -> lines in the terminal, and bench/results/<name>.json with what a reader needs to judge them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { summarize } from './rounds.mjs';
import { isSmoke, only } from './times.mjs';

const RESULTS = new URL('../results/', import.meta.url);
const startedAt = new Date();
const loadAtStart = loadavg()[0];

/**
 * A row of a table.
 * @param {string} label
 * @param {import('./rounds.mjs').Figure[]} figures
 * @param {{ of?: string, against: string[], atLeast?: number }[]} [comparisons] what the best of `against` takes, divided by
 *   what the side `of` (default 'wsimd') takes, and how much that should be
 *
 * A machine that others share changes its pace within a run. What two sides took in the same round is divided, then, and the
 * median of these ratios counts; sides that had not the same rounds have the ratio of their medians.
 */
export function makeRow(label, figures, comparisons = []) {
  return {
    label,
    figures,
    comparisons: comparisons.flatMap(({ of = 'wsimd', against, atLeast }) => {
      const side = figures.find(({ name }) => name === of);
      const others = figures.filter(({ name }) => against.includes(name));
      if (side === undefined || others.length === 0) return [];
      const best = others.reduce((a, b) => (b.median < a.median ? b : a));
      const { median: ratio, lowest, highest } = summarize(ratiosOf(best, side));
      return [{ of, against: best.name, ratio, lowest, highest, atLeast }];
    }),
  };
}

function ratiosOf(other, side) {
  if (other.samples.length !== side.samples.length) return [other.median / side.median];
  return other.samples.map((sample, round) => sample / side.samples[round]);
}

/** Prints one row: what each side took, and the ratios. */
function printRow(row) {
  const figures = row.figures.map(({ name, median, lowest, highest }) => {
    return `${name} ${formatNumber(median)} (${formatNumber(lowest)}-${formatNumber(highest)})`;
  });
  console.log(`  ${row.label}: ${figures.join(' | ')}`);
  for (const comparison of row.comparisons) console.log(`    ${formatComparison(comparison)}`);
}

function formatComparison({ of, against, ratio, lowest, highest, atLeast }) {
  const spread = lowest === highest ? '' : ` (${lowest.toFixed(2)}-${highest.toFixed(2)})`;
  const goal = atLeast === undefined ? '' : `, target >= ${atLeast}x: ${ratio >= atLeast ? 'met' : 'missed'}`;
  return `${of}: ${ratio.toFixed(2)}x${spread} against ${against}${goal}`;
}

/** Three digits of a positive number. */
export function formatNumber(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/**
 * Collects the tables of one bench, printing each row as it comes.
 * @param {string} name the file's name in bench/results/ without Node's version, which is added
 * @param {string} command what a reader types to get the same figures
 */
export function openResults(name, command) {
  const tables = [];
  const notes = [];
  return {
    /** Begins a table; `unit` is what its figures count. */
    table(title, unit) {
      const table = { title, unit, rows: [] };
      tables.push(table);
      console.log(`\n${title}, ${unit}: median (lowest-highest)`);
      return {
        add(row) {
          table.rows.push(row);
          printRow(row);
        },
      };
    },
    /** Something that was left out or that a reader should know. */
    note(text) {
      notes.push(text);
      console.log(`note: ${text}`);
    },
    /** Writes the file, unless only a part was measured. */
    write() {
      if (isSmoke || only !== '') {
        console.log('\nnot written: --smoke and --only leave the results of whole runs alone');
        return;
      }
      mkdirSync(RESULTS, { recursive: true });
      // Runs on another Node stand beside each other.
      const fileName = `${name}-node${process.versions.node.split('.')[0]}`;
      const file = new URL(`${fileName}.json`, RESULTS);
      const machine = describeMachine();
      const measured = tables.filter(({ rows }) => rows.length > 0);
      writeFileSync(
        file,
        // The ratios of the rounds have been taken by now.
        `${JSON.stringify(
          { name: fileName, command, date: startedAt, ...machine, notes, tables: measured },
          (key, value) => (key === 'samples' ? undefined : value),
          2,
        )}\n`,
      );
      console.log(`\nwritten to bench/results/${fileName}.json`);
    },
  };
}

function describeMachine() {
  const all = cpus();
  return {
    node: process.version,
    machine: {
      processor: all[0]?.model ?? 'unknown',
      cores: all.length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${process.platform} ${release()} ${process.arch}`,
      loadAtStart,
      loadAtEnd: loadavg()[0],
    },
  };
}
