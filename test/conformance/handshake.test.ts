import { describe, expect, test } from 'vitest';
import {
  acceptOf,
  buildRequest,
  buildResponse,
  HeaderReader,
  judgeRequest,
  judgeResponse,
  offeredProtocols,
  readHeader,
} from '../../src/conformance/handshake.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const target = {
  path: '/chat',
  host: 'server.example.com',
  protocols: [],
  lines: [],
  key: KEY,
  agent: 'examiner',
  extensions: null,
};

test('1.3 answers the key of the example', () => {
  expect(acceptOf(KEY)).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('a request and a response are bent by what the case says, and by nothing else', () => {
  const request = buildRequest(
    { ...target, extensions: 'x' },
    { without: ['host'], lines: [['upgrade', 'h2c']], body: Buffer.from('!') },
  );
  expect(request.toString().split('\r\n')).toEqual([
    'GET /chat HTTP/1.1',
    'User-Agent: examiner',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Extensions: x',
    'upgrade: h2c',
    '',
    '!',
  ]);
  const response = buildResponse({ key: KEY, agent: 'examiner', extensions: null }, { statusLine: 'HTTP/1.1 200 OK' });
  expect(response.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\nServer: examiner\r\nUpgrade: websocket\r\n/);
});

test('a request has the subprotocols and header lines of its target, unless the case is about them', () => {
  const demanding = {
    ...target,
    protocols: ['mail', 'chat'],
    lines: [
      ['Origin', 'http://a.example'],
      ['Host', 'b'],
    ] as [string, string][],
  };
  const plain = buildRequest(demanding, {}).toString();
  expect(plain).toContain('\r\nSec-WebSocket-Protocol: mail, chat\r\nOrigin: http://a.example\r\nHost: b\r\n');
  expect(plain.match(/host:/gi)).toHaveLength(1);
  const own: [string, string][] = [['Sec-WebSocket-Protocol', 'other']];
  expect(buildRequest(demanding, { lines: own }).toString()).not.toContain('mail');
  expect(offeredProtocols(demanding, { lines: own })).toEqual(['other']);
  expect(offeredProtocols(demanding, {})).toEqual(['mail', 'chat']);
});

describe('4.2.1 a request', () => {
  const judge = (shape: Parameters<typeof buildRequest>[1]): string | null => {
    const header = readHeader(buildRequest(target, shape));
    return header === null ? 'no header' : judgeRequest(header);
  };

  test('is right as the examiner sends it', () => {
    expect(judge({})).toBeNull();
    expect(
      judge({
        lines: [
          ['connection', 'keep-alive, UPGRADE'],
          ['UPGRADE', 'WebSocket'],
        ],
      }),
    ).toBeNull();
  });

  test.each([
    { method: 'POST' },
    { version: 'HTTP/1.0' },
    { without: ['host'] },
    { without: ['upgrade'] },
    { without: ['connection'] },
    { without: ['sec-websocket-key'] },
    { without: ['sec-websocket-version'] },
    { lines: [['Sec-WebSocket-Version', '8']] },
    { lines: [['Sec-WebSocket-Key', 'c2hvcnQ=']] },
    { raw: Buffer.from('HELLO\r\n\r\n') },
  ] as Parameters<typeof buildRequest>[1][])('is wrong with %j', (shape) => {
    expect(judge(shape)).not.toBeNull();
  });
});

describe('4.1 a response', () => {
  const judge = (
    shape: Parameters<typeof buildResponse>[1],
    asked: Parameters<typeof judgeResponse>[2] = [],
  ): string | null =>
    judgeResponse(readHeader(buildResponse({ key: KEY, agent: 'a', extensions: null }, shape))!, KEY, asked);

  test('is right as the examiner sends it, and with a subprotocol that was offered', () => {
    expect(judge({})).toBeNull();
    const lines: [string, string][] = [['Sec-WebSocket-Protocol', 'chat']];
    expect(judge({ lines }, ['mail', 'chat'])).toBeNull();
    expect(judge({ lines })).toContain('not offered');
  });

  test.each([
    { statusLine: 'HTTP/1.1 200 OK' },
    { without: ['upgrade'] },
    { without: ['connection'] },
    { without: ['sec-websocket-accept'] },
    { lines: [['Sec-WebSocket-Accept', 'x']] },
  ] as Parameters<typeof buildResponse>[1][])('is wrong with %j', (shape) => {
    expect(judge(shape)).not.toBeNull();
  });
});

test('a header is collected from any pieces, with what comes behind it, up to 64 KiB', () => {
  const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\nrest');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new HeaderReader();
    const read = reader.push(bytes.subarray(0, cut)) ?? reader.push(bytes.subarray(cut));
    expect(read?.header.toString()).toBe('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  }
  expect(new HeaderReader().push(Buffer.alloc(65_537, 'a'))).toBeNull();
});
