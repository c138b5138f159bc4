import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { writeDeflateOffer } from '../../src/extensions/permessage-deflate.js';
import { createRequest } from '../../src/handshake/client.js';
import { RequestReader } from '../../src/handshake/head-reader.js';
import { PROTOCOL, ROWS, octets, write, type Row } from './responses.js';

describe('RFC 6455 4.1 responses that come through sockets', () => {
  let server: Server;
  let current: Row = ROWS[0];
  let requested = '';

  beforeAll(async () => {
    server = createServer((socket) => {
      socket.setEncoding('latin1');
      socket.on('error', () => undefined);
      let text = '';
      socket.on('data', (chunk: string) => {
        text += chunk;
        if (!text.endsWith('\r\n\r\n')) return;
        requested = text;
        const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(text)?.[1] ?? '';
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        socket.write(write(current, accept), 'latin1');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => {
    server.close();
  });

  /** The failure of a client of `ws` that gets the row's response, or undefined when it opens. */
  function askWs(row: Row): Promise<string | undefined> {
    current = row;
    return new Promise((resolve) => {
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const client = new WebSocket(url, row.protocols ?? [], { perMessageDeflate: row.deflate ?? true } as object);
      client.on('open', () => {
        resolve(undefined);
        client.terminate();
      });
      client.on('error', (error) => resolve(error.message));
    });
  }

  test('C15 every failure has the text of ws, but for the deviations', async () => {
    for (const row of ROWS) {
      const theirs = await askWs(row);
      const wanted = 'ws' in row ? row.ws : row.message;
      if (wanted instanceof RegExp) expect(theirs, row.name).toMatch(wanted);
      else expect({ name: row.name, message: theirs }).toEqual({ name: row.name, message: wanted });
    }
  });

  test.each([
    ['plain', { perMessageDeflate: false }, {}],
    ['with everything', { origin: 'https://a', headers: { 'X-One': '1', Cookie: 'a=b' } }, { protocols: ['a', 'b'] }],
    ['version 8', { origin: 'https://a', protocolVersion: 8 }, {}],
    [
      'with a handshake field of the caller',
      { headers: { 'sec-websocket-key': 'x', upgrade: 'y', Z: ['1', '2'] } },
      {},
    ],
  ] as const)(
    '4.1 the request has the fields of ws in its order: %s',
    async (_, options, { protocols = [] }: { protocols?: readonly string[] }) => {
      current = { name: '', message: undefined, fields: protocols.length > 0 ? { [PROTOCOL]: 'a' } : {} };
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      await new Promise<void>((resolve, reject) => {
        const client = new WebSocket(url, [...protocols], options as object);
        client.on('error', reject);
        client.on('open', () => {
          client.terminate();
          resolve();
        });
      });
      const { head: theirs } = new RequestReader().push(octets(requested));
      const wanted: { origin?: string; headers?: Record<string, string | string[]>; protocolVersion?: number } = {
        ...(options as object),
      };
      const list = createRequest({
        key: theirs?.headers['sec-websocket-key'] as string,
        version: wanted.protocolVersion,
        protocols,
        origin: wanted.origin,
        headers: wanted.headers,
        extensions: 'perMessageDeflate' in options ? undefined : writeDeflateOffer({}),
      });
      expect([...list.flat(), 'Host', theirs?.headers.host]).toEqual(theirs?.rawHeaders);
    },
  );
});
