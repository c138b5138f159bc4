// The user and the password of a URL reach the server as Authorization, from every command, and show in no report.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { conformance } from '../../src/cli/conformance.js';
import { bench } from '../../src/cli/load/bench.js';
import { hireHere } from '../../src/cli/load/crew.js';
import { replay } from '../../src/cli/replay/replay.js';
import { connect } from '../../src/cli/tool/connect.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { sayingTerminal } from '../support/terminal.js';

const SIGNAL = new AbortController().signal;
const BASIC = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;

const talk = (args: string[], terminal: Terminal): Promise<number> => {
  const input = new PassThrough();
  input.end();
  return connect(['--wait=0', ...args], terminal, SIGNAL, {
    input,
    isTyping: false,
    isTerminal: false,
    hasColours: false,
  });
};

it.each([
  ['connect', talk, []],
  ['connect --unix', talk, ['--unix', 'SOCKET']],
  [
    'bench',
    (args, terminal) => bench(args, terminal, SIGNAL, hireHere),
    '--connections=1 --workers=1 --warmup=0 --duration=50ms',
  ],
  ['replay', (args, terminal) => replay([args[1], args[0]], terminal, SIGNAL), ['DIRECTORY/a.jsonl']],
  [
    'conformance server',
    (args, terminal) => conformance(['server', ...args], terminal, SIGNAL),
    '--cases=1.1.1 --workers=0 --out=DIRECTORY',
  ],
] as [string, (args: string[], terminal: Terminal) => Promise<number>, string | string[]][])(
  '%s',
  async (_, command, words) => {
    const directory = mkdtempSync(join(tmpdir(), 'wsimd-user-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const head = 'GET / HTTP/1.1\\r\\nAuthorization: old\\r\\n\\r\\n';
    writeFileSync(join(directory, 'a.jsonl'), `{"recording":1,"started":"","url":"ws://a","request":"${head}"}\n`);
    const seen: unknown[] = [];
    const http = createServer();
    new WebSocketServer({ server: http }).on('connection', (socket, { headers }) => {
      seen.push(headers.authorization);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    const isUnix = words.includes('--unix');
    http.listen(isUnix ? join(directory, 's') : { port: 0, host: '127.0.0.1' });
    await once(http, 'listening');
    onTestFinished(() => {
      http.close();
    });
    const place = isUnix ? 'localhost' : `127.0.0.1:${(http.address() as AddressInfo).port}`;
    const given = [words].flat().flatMap((word) => word.split(' '));
    const { terminal, text } = sayingTerminal();
    const args = [`ws://me:p%40ss@${place}/chat`, ...given.map((word) => word.replace('SOCKET', join(directory, 's')))];
    const inPlace = (word: string): string => word.replace('DIRECTORY', directory);
    await command(args.map(inPlace), terminal);
    expect(seen.length).toBeGreaterThan(0);
    expect(new Set(seen)).toEqual(new Set([BASIC]));
    expect(text.out + text.err).not.toContain('p%40ss');
  },
);
