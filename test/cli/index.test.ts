// The program itself, as the build leaves it. Without a build these tests say so and return.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { PYTHON } from '../support/python.js';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url));

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function withProgram(args: string[], look: (ended: Ended) => void): void {
  if (!existsSync(PROGRAM)) {
    console.log('not run: dist/ is not built');
    return;
  }
  look(spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8' }));
}

test('--version prints the version of the package', () => {
  withProgram(['--version'], ({ status, stdout }) => {
    const { version } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string };
    expect([status, stdout]).toEqual([0, `${version}\n`]);
  });
});

test('--help names the commands', () => {
  withProgram(['--help'], ({ status, stdout }) => {
    expect(status).toBe(0);
    expect(stdout).toContain('wsimd serve');
    expect(stdout).toContain('wsimd conformance server|client');
    for (const name of ['connect', 'proxy', 'replay']) expect(stdout).toContain(`wsimd ${name} `);
  });
});

test.each([
  [[], 'wsimd serve  '],
  [['bench'], 'Puts a WebSocket server '],
])('help %j prints what --help does', (words, beginning) => {
  withProgram(['help', ...words], ({ status, stdout }) => {
    expect([status, stdout.slice(0, beginning.length)]).toEqual([0, beginning]);
  });
});

test.each([
  [[]],
  [['nonsense']],
  [['help', 'nonsense']],
  [['conformance']],
  [['proxy']],
  [['replay']],
  [['conformance', 'server', 'ws://127.0.0.1:1', '--cases', '2.7']],
])('%j ends with status 2 and one sentence', (args) => {
  withProgram(args, ({ status, stdout, stderr }) => {
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^[A-Z][^\n]*\.\n$/);
  });
});

test('a full standard output is told, with status 2', () => {
  if (!existsSync(PROGRAM) || !existsSync('/dev/full')) {
    console.log('not run: dist/ is not built, or there is no /dev/full');
    return;
  }
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(/^Cannot write to the standard output: ENOSPC[^\n]*\.\n$/),
  ]);
});

test('a command whose errors nobody reads ends with its own status', async () => {
  if (!existsSync(PROGRAM)) {
    console.log('not run: dist/ is not built');
    return;
  }
  const child = spawn(process.execPath, [PROGRAM, 'nonsense'], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.destroy();
  expect(await once(child, 'exit')).toEqual([2, null]);
});

test('SIGTERM ends serve well: its connections are closed with 1001, and its status is 0', async () => {
  if (!existsSync(PROGRAM)) {
    console.log('not run: dist/ is not built');
    return;
  }
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const socket = new WebSocket(/ws:\S+/.exec(line.toString())![0]);
  await once(socket, 'open');
  child.kill('SIGTERM');
  const [[code], [status]] = await Promise.all([once(socket, 'close'), once(child, 'exit')]);
  expect([code, status]).toEqual([1001, 0]);
});

/** A server that echoes, and answers no Close while `isDeaf`. */
async function echoing(isDeaf = false): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => {
      socket.send(data, { binary });
      if (isDeaf) socket.pause();
    });
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** The path of a HAR that does not exist yet, in a directory of its own. */
function recordingFile(): string {
  const place = mkdtempSync(join(tmpdir(), 'wsimd-recording-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  return join(place, 'x.har');
}

test.each([
  ['a reader of the output that leaves', (child: ChildProcess) => void child.stdout!.destroy()],
  ['SIGHUP', (child: ChildProcess) => void child.kill('SIGHUP')],
  ['SIGTERM', (child: ChildProcess) => void child.kill('SIGTERM')],
])('proxy finishes its recording at %s', async (_, end) => {
  if (!existsSync(PROGRAM)) {
    console.log('not run: dist/ is not built');
    return;
  }
  const file = recordingFile();
  const child = spawn(process.execPath, [PROGRAM, 'proxy', '0', await echoing(), '--record', file]);
  const [line] = (await once(child.stderr, 'data')) as [Buffer];
  const socket = new WebSocket(/ws:\S+/.exec(line.toString())![0]);
  socket.on('error', () => undefined);
  await once(socket, 'open');
  end(child);
  if (child.stdout.destroyed) socket.send('Hello');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(readFileSync(file, 'utf8')).toContain('"version": "1.2"');
});

test('connect ends with its connection, whatever --wait asks for', async () => {
  if (!existsSync(PROGRAM)) {
    console.log('not run: dist/ is not built');
    return;
  }
  const child = spawn(process.execPath, [PROGRAM, 'connect', await echoing(), '--wait', '1h']);
  child.stdin.end('Hello\n');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('connect finishes its recording at the second Ctrl-C, when the server answers no Close', async () => {
  if (!existsSync(PROGRAM)) {
    console.log('not run: dist/ is not built');
    return;
  }
  const file = recordingFile();
  const child = spawn(process.execPath, [PROGRAM, 'connect', await echoing(true), '--record', file]);
  child.stdin.write('Hello\n');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  const again = setInterval(() => child.kill('SIGINT'), 50);
  expect(await once(child, 'exit')).toEqual([130, null]);
  clearInterval(again);
  expect(readFileSync(file, 'utf8')).toContain('"data": "Hello"');
});

/** Runs a command in the background of a terminal, prints what that shows, and says so when the terminal stops it. */
const IN_BACKGROUND = `
import os, pty, signal, subprocess, sys
group, terminal = pty.fork()
if group == 0:
    command = subprocess.Popen(sys.argv[1:], preexec_fn=os.setpgrp)
    signal.signal(signal.SIGHUP, lambda *_: command.kill())
    if os.WIFSTOPPED(os.waitpid(command.pid, os.WUNTRACED)[1]):
        print('The terminal has stopped it.', flush=True)
    command.kill()
else:
    while shown := os.read(terminal, 1024):
        os.write(1, shown)
`;

test('a proxy in the background of a terminal goes on', async () => {
  if (!existsSync(PROGRAM) || !existsSync('/proc/self/stat') || !existsSync(PYTHON)) {
    console.log(`not run: dist/ is not built, or there is no /proc or ${PYTHON}`);
    return;
  }
  const child = spawn(PYTHON, ['-c', IN_BACKGROUND, process.execPath, PROGRAM, 'proxy', '0', '1']);
  onTestFinished(() => void child.kill());
  let shown = '';
  child.stdout.on('data', (data) => (shown += String(data)));
  await expect.poll(() => shown, { timeout: 10_000 }).toMatch(/Passing ws:\/\/127.0.0.1:\d+ on/);
  const client = connect(Number(/127.0.0.1:(\d+) on/.exec(shown)![1]), '127.0.0.1');
  client.on('error', () => undefined);
  // The proxy, which cannot connect to its target, ends the client, if it runs.
  const closed = once(client, 'close').then(() => 'closed');
  const stopped = once(child, 'close').then(() => shown);
  expect(await Promise.race([closed, stopped])).toBe('closed');
});
