// jest (node, jsdom, fake timers), vitest (jsdom, fake timers) and node:test (fake timers) run conversations in their sandboxes.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { finish } from './support.mjs';

const run = promisify(execFile);
const directory = await mkdtemp(path.resolve('runners-'));

/** The body of a test: messages both ways, a ping and the closing handshake, with and without compression. */
const CONVERSATION = `
  for (const perMessageDeflate of [false, { threshold: 0 }]) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate });
    await new Promise((resolve) => server.once('listening', resolve));
    server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
    const client = new WebSocket('ws://127.0.0.1:' + server.address().port, { perMessageDeflate });
    await new Promise((resolve) => client.once('open', resolve));
    for (const data of ['text', Buffer.from('bytes'), new Uint8Array([1, 2]), 'long '.repeat(50000)]) {
      const answer = new Promise((resolve) => client.once('message', resolve));
      await new Promise((resolve, reject) => client.send(data, (error) => (error ? reject(error) : resolve())));
      if (Buffer.compare(await answer, Buffer.from(data)) !== 0) throw new Error('the echo differs');
    }
    const pong = new Promise((resolve) => client.once('pong', resolve));
    client.ping();
    await pong;
    client.close(1000, 'done');
    const code = await new Promise((resolve) => client.once('close', resolve));
    if (code !== 1000) throw new Error('closed with ' + code);
    await new Promise((resolve) => server.close(resolve));
  }
`;
const jsdom = `/**
 * @jest-environment jsdom
 * @jest-environment-options {"customExportConditions": ["node", "require"]}
 */
`;
const jest = (before) => `const { WebSocket, WebSocketServer } = require('ws');
${before}
test('a conversation', async () => {${CONVERSATION}});
`;
const FILES = {
  'jest/node.test.cjs': jest(''),
  'jest/jsdom.test.cjs': jsdom + jest(''),
  'jest/jsdom-browser.test.cjs': `/** @jest-environment jsdom */
test('the browser condition', () => {
  expect(() => new (require('ws'))('ws://127.0.0.1')).toThrow(/does not work in the browser/);
});
`,
  'jest/fake-timers.test.cjs': jest("beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick'] }));"),
  'jest/fake-timers-before.test.cjs': `jest.useFakeTimers({ doNotFake: ['nextTick'] });\n${jest('')}`,
  'vitest/node.test.mjs': `import { test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
test('a conversation', async () => {${CONVERSATION}});
`,
  'vitest/jsdom.test.mjs': `// @vitest-environment jsdom
import { test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
test('a conversation', async () => {${CONVERSATION}});
`,
  'vitest/fake-timers.test.mjs': `import { beforeEach, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
beforeEach(() => void vi.useFakeTimers());
test('a conversation', async () => {${CONVERSATION}});
`,
  'node/timers.mjs': `import { mock, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
test('a conversation', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  ${CONVERSATION}
});
`,
  'node/sinon.mjs': `import { test } from 'node:test';
import sinon from 'sinon';
import { WebSocket, WebSocketServer } from 'ws';
test('a conversation', async () => {
  const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'performance', 'queueMicrotask'] });
  ${CONVERSATION}
  clock.restore();
});
`,
};
const failed = [];
async function attempt(name, args) {
  try {
    await run(process.execPath, args, { timeout: 40_000 });
  } catch (error) {
    failed.push(`${name}${error.killed ? ' (timed out)' : ''}\n${error.stdout}${error.stderr}`.slice(0, 1500));
  }
}
try {
  for (const [file, text] of Object.entries(FILES)) {
    await mkdir(path.join(directory, path.dirname(file)), { recursive: true });
    await writeFile(path.join(directory, file), text);
  }
  for (const file of Object.keys(FILES)) {
    const [runner] = file.split('/');
    const at = path.join(directory, file);
    const root = path.join(directory, runner);
    if (runner === 'jest')
      await attempt(file, [path.resolve('node_modules/jest/bin/jest.js'), '--rootDir', root, '--forceExit', at]);
    else if (runner === 'node') await attempt(file, ['--test', at]);
    else await attempt(file, [path.resolve('node_modules/vitest/vitest.mjs'), 'run', '--root', root, at]);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
if (failed.length > 0) throw new Error(`${failed.length} failed\n${failed.join('\n')}`);
finish(Object.keys(FILES).join(', '), []);
