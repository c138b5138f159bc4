// CONTRIBUTING.md against the tree: its commands, its map of test/ and the limits that the guards hold.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}/${file}`, 'utf8');
const guide = read('CONTRIBUTING.md').replaceAll(/\n\s*/g, ' ');
const map = read('CONTRIBUTING.md').split('## Map of test/')[1];

/** All names that the map gives in quotes, several in one pair of them too. */
const mapped = new Set([...map.matchAll(/`([^`]+)`/g)].flatMap(([, names]) => names.split(/\s+/)));

test('the map of test/ names each of its directories, and none that is not there', () => {
  const tracked = execFileSync('git', ['ls-files', 'test'], { cwd: ROOT }).toString().trim().split('\n');
  const directories = new Set(tracked.flatMap((path) => /^test\/([\w-]+)\//.exec(path)?.[1] ?? []));
  expect([...directories].filter((name) => !mapped.has(name))).toEqual([]);
  const places = [...map.matchAll(/^- ((?:`[^`]+`(?:, )?)+):/gm)].flatMap(([, names]) => names.match(/[\w./-]+/g)!);
  expect(places.length).toBeGreaterThan(10);
  expect(places.filter((name) => !existsSync(`${ROOT}/test/${name}`))).toEqual([]);
});

test('the map names each room of src/ that has tests of its own', () => {
  const rooms = execFileSync('git', ['ls-files', 'src'], { cwd: ROOT })
    .toString()
    .matchAll(/^src\/([\w-]+)\//gm);
  const tested = [...new Set(Array.from(rooms, ([, room]) => room))].filter((room) =>
    existsSync(`${ROOT}/test/${room}`),
  );
  const [, listed] = /- `([^`]+)`: as in `src\/`/.exec(map)!;
  expect(listed.split(/\s+/)).toEqual(tested.sort());
});

test('its commands exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const commands = [...guide.matchAll(/npm run ([\w:]+)|`([a-z]+:[a-z]+)`/g)].map(([, name, short]) => name ?? short);
  expect(commands.length).toBeGreaterThan(8);
  expect(commands.filter((name) => !(name in scripts))).toEqual([]);
  for (const [, path] of guide.matchAll(/`((?:test|src|\.ci)\/[\w./-]*)`/g))
    expect(existsSync(`${ROOT}/${path}`), path).toBe(true);
});

test.each([
  ['test/language.test.ts', 'WORDS_AT_MOST', 'one sentence of at most N words'],
  ['test/language.test.ts', 'PROSE_COLUMNS', 'prose N'],
  ['test/architecture.test.ts', 'LINES_AT_MOST', 'A source file or class has at most N lines'],
  ['test/readme.test.ts', 'LINES_AT_MOST', 'README.md has at most N,'],
])('it says as %s how many %s are allowed', (guard, name, sentence) => {
  const [, limit] = new RegExp(`const ${name} = (\\d+);`).exec(read(guard))!;
  expect(guide).toContain(sentence.replace('N', limit));
});
