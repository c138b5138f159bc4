import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { ROWS, answer, expected, seen, statusOf, write } from './requests.js';

/** Sends the text, and reads until the peer ends or a 101 is complete. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (received.startsWith('HTTP/1.1 101') && received.endsWith('\r\n\r\n')) socket.end();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

describe('RFC 6455 4.2 requests that come through sockets', () => {
  const requests: IncomingMessage[] = [];
  let ours: Server;
  let theirs: WebSocketServer;

  const portOf = (server: { address(): AddressInfo | string | null }): number => (server.address() as AddressInfo).port;

  beforeAll(async () => {
    ours = createServer();
    ours.on('upgrade', (request: IncomingMessage, socket) => {
      requests.push(request);
      socket.end(answer(request, false));
    });
    theirs = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
    ours.listen(0, '127.0.0.1');
    await Promise.all([ours, theirs].map((server) => new Promise((resolve) => server.once('listening', resolve))));
  });

  afterAll(() => {
    ours.close();
    theirs.close();
    for (const client of theirs.clients) client.terminate();
  });

  test('C07 through the parser of Node, every answer is that of ws to the byte, but for the deviations', async () => {
    for (const row of ROWS) {
      const text = write(row);
      const response = await exchange(portOf(ours), text);
      const peer = await exchange(portOf(theirs), text);
      expect(seen(row, response)).toEqual(expected(row, row.plain));
      if (row.ws === undefined) expect({ name: row.name, peer }).toEqual({ name: row.name, peer: response });
      else expect({ name: row.name, status: statusOf(peer) }).toEqual({ name: row.name, status: row.ws });
    }
  });

  test('C07 strict, through the parser of Node', () => {
    expect(requests).toHaveLength(ROWS.length);
    for (const [index, row] of ROWS.entries()) {
      expect(seen(row, answer(requests[index], true))).toEqual(expected(row, row.strict ?? row.plain));
    }
  });
});
