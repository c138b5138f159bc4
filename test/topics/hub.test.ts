// A hub listens again where one was killed, and not where one listens.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startHub } from '../../src/topics/brokers/hub.js';

function socketPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'wsimd-hub-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'hub.sock');
}

test('takes the path of a hub that was killed', async () => {
  const path = socketPath();
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', program]);
  expect(existsSync(path)).toBe(true);
  const hub = await startHub({ path });
  await hub.close();
});

test('leaves the path to a hub that listens there', async () => {
  const path = socketPath();
  const hub = await startHub({ path });
  await expect(startHub({ path })).rejects.toThrow('EADDRINUSE');
  await hub.close();
});
