// What docs/conformance.md says: its options and commands are the program's, its case numbers are cases.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readClientSettings, readServerSettings } from '../../src/cli/conformance-settings.js';
import { TABLE_USAGE } from '../../src/cli/conformance-table.js';
import { CONFORMANCE_USAGE } from '../../src/cli/conformance-usage.js';
import { readSpec } from '../../src/cli/spec-file.js';
import { ALL_CASES } from '../../src/conformance/cases/index.js';

const GUIDE = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');

test('every option it names is in --help', () => {
  const known = `${CONFORMANCE_USAGE} ${TABLE_USAGE}`;
  const options = new Set(GUIDE.match(/--[a-z][a-z-]+/g));
  expect(options.size).toBeGreaterThan(15);
  for (const option of options) expect(known, option).toContain(option);
});

test('its commands that run the suite are read', () => {
  const commands = [...GUIDE.matchAll(/^npx wsimd conformance (server|client) (.*)$/gm)];
  expect(commands.length).toBeGreaterThan(5);
  for (const [, role, words] of commands) {
    const args = words.replaceAll("'", '').split(' ');
    if (args.includes('--list') || args.includes('--case')) continue;
    expect(role === 'server' ? readServerSettings(args) : readClientSettings(args)).toMatchObject({ testee: role });
  }
});

test('the cases it names are cases, and the keys of the spec file are read', () => {
  const ids = new Set(ALL_CASES.map(({ id }) => id));
  for (const id of GUIDE.match(/\b\d+\.\d+\.\d+\b(?!\.)/g) ?? []) {
    if (
      !GUIDE.includes(`7692 ${id}`) &&
      !GUIDE.includes(`6455 ${id}`) &&
      !GUIDE.includes(`and ${id} demand`) &&
      !id.startsWith('127.')
    ) {
      expect(ids.has(id) || /^127|^0\.0/.test(id), id).toBe(true);
    }
  }
  const text = JSON.stringify({
    servers: [{ url: 'ws://a', agent: 'a', hostname: 'a', protocols: ['a'], origin: 'http://a' }],
    url: 'ws://a',
    outdir: 'a',
    cases: ['*'],
    'exclude-cases': [],
    'exclude-agent-cases': {},
    protocols: ['a'],
    key: 'a',
    cert: 'a',
    options: { failByDrop: false },
  });
  expect(readSpec(text).ignored).toEqual([]);
});
