// The echo server and our client with Python's libraries at the other end.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { WebSocket } from '../../src/index.js';
import { expectClose, expectEchoes } from '../support/echo.js';
import { hasPython, PYTHON } from '../support/python.js';
import { startServing } from '../support/serving.js';

const CLIENT = fileURLToPath(new URL('echo_client.py', import.meta.url));
const SERVER = fileURLToPath(new URL('echo_server.py', import.meta.url));

describe.each(['plain', 'deflate'])('%s', (compression) => {
  test.each([
    ['websockets', 16],
    ['aiohttp', 8],
  ])('our server echoes what a client made with %s sends', { timeout: 120_000 }, async (library, count) => {
    if (!hasPython(library)) return;
    const serving = await startServing(compression === 'deflate' ? ['--deflate'] : []);
    const { stdout } = await promisify(execFile)(PYTHON, [CLIENT, library, serving.ws, compression]);
    expect(stdout).toBe(`echoed ${count}\n`);
    await serving.stop();
  });

  test('our client gets its echoes from a server made with websockets', { timeout: 120_000 }, async () => {
    if (!hasPython('websockets')) return;
    const server = spawn(PYTHON, [SERVER, compression], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
      const [, port] = /listening on (\d+)/.exec(line)!;
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: compression === 'deflate' });
      await once(socket, 'open');
      expect(socket.extensions).toBe(compression === 'deflate' ? 'permessage-deflate' : '');
      await expectEchoes(socket);
      await expectClose(socket);
    } finally {
      server.kill();
    }
  });
});
