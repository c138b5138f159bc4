// The short form of `npm run soak:topics`: processes with topics over an engine, while it and they are killed and stopped.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { hasEngine } from '../support/engines.mjs';
import { judgeKept, judgePlain } from './chaos/verdict.mjs';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const FLAGS = '--minutes 0.01 --faults 5 --workers 2 --subscribers 8 --topics 4 --rate 150 --every 300'.split(' ');

/** Whether what a run needs is there; if not, says so. */
function isThere(needs: readonly string[], program: string | undefined): boolean {
  const missing = needs.find((path) => !existsSync(at(`../../${path}`)));
  if (missing !== undefined) console.log(`not run: ${missing} is missing`);
  return missing === undefined && (program === undefined || hasEngine(program));
}

const RUNS = [
  { engine: 'cluster', flags: [], needs: [], program: undefined },
  { engine: 'nats', flags: ['--history'], needs: ['node_modules/@nats-io'], program: 'nats-server' },
];

test.concurrent.each(RUNS)(
  'over $engine $flags nothing is lost without word, doubled or out of order',
  { timeout: 60_000 },
  async (run) => {
    if (!isThere(['dist/topics/brokers/nats.js', ...run.needs], run.program)) return;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [at('chaos/run.mjs'), '--engine', run.engine].concat(run.flags, FLAGS),
    );
    const counted = JSON.parse(stdout) as Record<string, number>;
    for (const fault of ['lost', 'unreported', 'doubled', 'disordered', 'unrecovered', 'refusedButSent', 'silent']) {
      expect(counted[fault] ?? 0, fault).toBe(0);
    }
    expect(counted.enginesKilled).toBeGreaterThan(0);
    expect(counted.workersKilled).toBeGreaterThan(0);
    expect(counted.accepted).toBeGreaterThan(50);
  },
);

describe('the verdict', () => {
  const accepted = new Set(['p t 0', 'p t 1', 'p t 2', 'q t 0']);
  const fates = { accepted, rejected: new Map([['q t 1', false]]) };
  const all = ['p t 0', 'q t 0', 'p t 1', 'p t 2'];
  const positions = ['2.e', '3-1.e', '3-2.e', '4.e'];
  const received = (messages: (string | null)[], more: object = {}) => [
    { topic: 't', sessions: [messages], positions, unrecovered: 0, ...more },
  ];

  test('finds nothing where nothing is wrong', () => {
    const faults = { ...judgeKept(received(all), fates), ...judgePlain(received(all), fates) };
    expect(Object.values(faults)).toEqual(Object.values(faults).map(() => 0));
    expect(judgePlain(received(['p t 0', null, 'p t 2']), fates)).toMatchObject({ unreported: 0 });
  });

  test.each([
    ['lost', received(all.slice(1))],
    ['doubled', received([...all, 'p t 0'])],
    ['disordered', received(['p t 1', 'p t 0', 'q t 0', 'p t 2'])],
    ['disordered', received(all, { positions: ['3.e', '2.e'] })],
    ['disordered', [...received(all), ...received(['q t 0', 'p t 0', 'p t 1', 'p t 2'])]],
    ['unrecovered', received(all, { unrecovered: 1 })],
    ['refusedButSent', received([...all, 'q t 1'])],
  ])('finds what is %s with history', (fault, subscribers) => {
    expect(judgeKept(subscribers, fates)[fault]).toBeGreaterThan(0);
  });

  test.each([
    ['unreported', ['p t 0', 'p t 2']],
    ['doubled', ['p t 0', 'p t 0']],
    ['disordered', ['p t 1', 'p t 0']],
  ])('finds what is %s without', (fault, messages) => {
    expect(judgePlain(received(messages), fates)[fault]).toBeGreaterThan(0);
  });
});
