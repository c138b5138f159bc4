import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readClientSettings, readServerSettings } from '../../src/cli/conformance-settings.js';

const directory = mkdtempSync(join(tmpdir(), 'wsimd-settings-'));

afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const SERVER_SPEC = file(
  'server.json',
  JSON.stringify({
    servers: [{ url: 'ws://one' }, { url: 'ws://two', agent: 'two' }],
    outdir: 'there',
    cases: ['1.*'],
    'exclude-cases': ['1.1.1'],
    'exclude-agent-cases': { two: ['1.2.*'] },
  }),
);
const CLIENT_SPEC = file('client.json', JSON.stringify({ url: 'ws://[::1]:9001' }));
const PEM = file('a.pem', 'PEM');

test('a URL alone runs every case and writes where the classic suite did', () => {
  expect(readServerSettings(['ws://localhost:9001'])).toEqual({
    testee: 'server',
    servers: [{ url: 'ws://localhost:9001' }],
    cases: ['*'],
    exclude: [],
    excludeFor: {},
    out: 'reports/servers',
    junit: undefined,
    badge: undefined,
    baseline: undefined,
    strict: false,
    workers: expect.any(Number),
    timeoutScale: 1,
    jobs: undefined,
    insecure: false,
    origin: undefined,
    headers: [],
    protocols: [],
    command: [],
    ignored: [],
    http2: false,
  });
});

test('every option of the server role is read', () => {
  const args =
    'wss://localhost --cases 1.*,2.7 --cases H.* --exclude 1.1.1 --agent me --out o --junit j.xml --baseline b.json ' +
    '--strict --jobs 4 --workers 3 --timeout-scale 2.5 --insecure --protocol chat,mqtt --origin http://a --header A:b --http2 -- run --it';
  expect(readServerSettings(args.split(' '))).toMatchObject({
    protocols: ['chat', 'mqtt'],
    origin: 'http://a',
    headers: [['A', 'b']],
    command: ['run', '--it'],
    workers: 3,
    servers: [{ url: 'wss://localhost', agent: 'me' }],
    cases: ['1.*', '2.7', 'H.*'],
    exclude: ['1.1.1'],
    out: 'o',
    junit: 'j.xml',
    baseline: 'b.json',
    strict: true,
    jobs: 4,
    timeoutScale: 2.5,
    insecure: true,
    http2: true,
  });
});

test('a spec file gives what the arguments do not', () => {
  expect(readServerSettings(['--spec', SERVER_SPEC, '--out', 'here'])).toMatchObject({
    servers: [{ url: 'ws://one' }, { url: 'ws://two', agent: 'two' }],
    out: 'here',
    cases: ['1.*'],
    exclude: ['1.1.1'],
    excludeFor: { two: ['1.2.*'] },
  });
  expect(readServerSettings(['ws://three', '--spec', SERVER_SPEC]).servers).toEqual([{ url: 'ws://three' }]);
});

test('the client role listens where it is told, on the loopback address otherwise', () => {
  expect(readClientSettings(['--port', '0'])).toMatchObject({ host: '127.0.0.1', port: 0, out: 'reports/clients' });
  expect(readClientSettings(['--spec', CLIENT_SPEC])).toMatchObject({ host: '::1', port: 9001 });
  expect(readClientSettings(['--spec', CLIENT_SPEC, '--port', '1', '--host', '::'])).toMatchObject({
    host: '::',
    port: 1,
  });
});

test('the client role speaks TLS with a certificate and its key', () => {
  const args = ['--port', '0', '--cert', PEM, '--key', PEM];
  expect(readClientSettings(args).tls).toEqual({ cert: 'PEM', key: 'PEM' });
  expect(readClientSettings(['--port', '0']).tls).toBeUndefined();
});

const ONE_SENTENCE = /^[A-Z-].*[.?]$|^wsimd conformance .*\.$/;

test.each([
  [[], 'Give the URL'],
  [['ws://a', 'ws://b'], 'one server too many: ws://b'],
  [['ws://a', '--nonsense'], "Unknown option '--nonsense'"],
  [['ws://a', '--port', '1'], "Unknown option '--port'"],
  [['ws://a', '--out'], '--out needs a value'],
  [['ws://a', '--out', ''], '--out takes a directory, not "".'],
  [['ws://a', '--junit='], '--junit takes a file, not "".'],
  [['ws://a', '--spec', file('here.json', '{"outdir": ""}')], 'In the spec file outdir is empty.'],
  [['ws://a', '--jobs', '0'], '--jobs takes a whole number from 1 to 64, not "0".'],
  [['ws://a', '--jobs', '1e1'], '--jobs takes'],
  [['ws://a', '--timeout-scale', '-1'], 'is given as --timeout-scale=-1.'],
  [['ws://a', '--timeout-scale=0'], '--timeout-scale takes'],
  [['ws://a', '--timeout-scale='], '--timeout-scale takes'],
  [['ws://a', '--header', 'A b'], "--header takes 'NAME: VALUE'"],
  [['ws://a', '--'], 'Behind -- stands the command'],
  [['--spec', SERVER_SPEC, '--', 'x'], 'One command cannot start several servers'],
  [['--spec', SERVER_SPEC, '--agent', 'x'], 'cannot name several servers'],
  [['--spec', join(directory, 'none.json')], 'Cannot read '],
])('server %j is refused with one sentence', (args, words) => {
  expect(() => readServerSettings(args)).toThrow(words);
  expect(() => readServerSettings(args)).toThrow(ONE_SENTENCE);
});

test.each([
  [[], 'Give --port'],
  [['--port', '65536'], '--port takes a whole number from 0 to 65535'],
  [['--port', '0', '--cert', PEM], '--cert and --key go together'],
  [['--port', '0', '--cert', PEM, '--key', join(directory, 'none.pem')], 'Cannot read '],
  [['--port', '0', '--jobs', '2'], "Unknown option '--jobs'"],
  [['--spec', file('bad-url.json', '{"url": "9001"}')], 'url is no ws:// or wss:// URL'],
])('client %j is refused with one sentence', (args, words) => {
  expect(() => readClientSettings(args)).toThrow(words);
  expect(() => readClientSettings(args)).toThrow(ONE_SENTENCE);
});
