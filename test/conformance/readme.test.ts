// The documents on the suite: their figures are those of the case tables, and the example runs as it stands there.
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';
import { expect, test } from 'vitest';
import * as conformance from '../../src/conformance/index.js';
import { wsServer } from './support/peers.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const CHAPTER = /^## Conformance$([^]*?)^## /m.exec(README)![1];
const GUIDE = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');

test('the numbers of cases are those of the tables', () => {
  const own = { cases: ['H.*', 'D.*', 'S.*'] };
  const classic = (testee: 'server' | 'client'): number =>
    conformance.selectCases({ exclude: own.cases }, testee).length;
  const counted = (testee: 'server' | 'client'): number => conformance.selectCases(own, testee).length;
  expect(classic('server')).toBe(classic('client'));
  expect(CHAPTER.replaceAll(/\s+/g, ' ')).toContain(
    `all ${classic('server')} classic cases in both roles, ` +
      `and of our own ${counted('server')} against the server and ${counted('client')} against the client`,
  );
});

test('the example is a test that passes', { timeout: 60_000 }, async () => {
  const server = await wsServer({});
  const [, code] = /^```js\n(import \{ expect[^]*?)^```$/m.exec(GUIDE)!;
  const [, body] = /^(?:import .*\n)+([^]*)$/.exec(code.replace('ws://127.0.0.1:9001', server.url))!;
  const run: (() => Promise<void>)[] = [];
  compileFunction(body, ['test', 'expect', 'isPass', 'runServerCases'])(
    (_name: string, _options: object, example: () => Promise<void>) => run.push(example),
    expect,
    conformance.isPass,
    conformance.runServerCases,
  );
  expect(run).toHaveLength(1);
  await run[0]();
  server.stop();
});
