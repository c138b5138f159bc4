// @fastify/websocket's own tests, which its package holds, run where they lie.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { finish, require } from './support.mjs';

const directory = path.dirname(require.resolve('@fastify/websocket'));
const env = { ...process.env };
// Of this program's own runner, where one runs it.
delete env.NODE_TEST_CONTEXT;
const options = { cwd: directory, timeout: 120_000, env };
const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', 'test/'], options);
const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(stdout)?.[1]);
assert.ok(count('tests') > 50);
assert.deepEqual([count('pass'), count('fail'), count('skipped')], [count('tests'), 0, 0]);
require('@fastify/websocket');
finish(`${count('pass')} of its tests`, ['@fastify/websocket']);
