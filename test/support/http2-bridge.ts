// Bridges between HTTP/1.1 and HTTP/2 that pass frames on unread, so that an examiner over TCP examines streams (RFC 8441).
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import http2, { type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';

const { NGHTTP2_CANCEL } = http2.constants;
/** Megabytes that wait on a session; with more than Node's 10 waiting it refuses new streams. */
export const MEMORY = 1000;
const PASSED_ON = ['sec-websocket-version', 'sec-websocket-protocol', 'sec-websocket-extensions', 'origin'];

export interface Bridge {
  port: number;
  stop(): void;
}

function join(socket: Socket, stream: ClientHttp2Stream | ServerHttp2Stream): void {
  socket.setNoDelay();
  socket.on('error', () => stream.close(NGHTTP2_CANCEL));
  socket.on('close', () => stream.closed || stream.close(NGHTTP2_CANCEL));
  stream.on('error', () => socket.destroy());
  stream.on('close', () => socket.writableEnded || socket.destroy());
  socket.pipe(stream);
  stream.pipe(socket);
}

/** Listens for HTTP/1.1 and passes connections on as streams to an HTTP/2 server in clear text. */
export async function bridgeToHttp2(target: number): Promise<Bridge> {
  const session = http2.connect(`http://127.0.0.1:${target}`, { maxSessionMemory: MEMORY });
  await once(session, 'remoteSettings');
  const server = http.createServer();
  server.on('upgrade', ({ url, headers }, socket: Socket, head) => {
    const stream = session.request(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':path': url,
        ...Object.fromEntries(PASSED_ON.filter((name) => name in headers).map((name) => [name, headers[name]])),
      },
      { endStream: false },
    );
    stream.on('error', () => socket.destroy());
    stream.on('response', (fields) => {
      if (fields[':status'] !== 200) {
        socket.end(`HTTP/1.1 ${fields[':status']} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const lines = PASSED_ON.filter((name) => name in fields).map((name) => `${name}: ${String(fields[name])}\r\n`);
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          `Sec-WebSocket-Accept: ${createHash('sha1').update(key).digest('base64')}\r\n${lines.join('')}\r\n`,
      );
      stream.write(head);
      join(socket, stream);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    session.destroy();
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

/** Listens for HTTP/2 in clear text and passes streams on as connections to an HTTP/1.1 server. */
export async function bridgeFromHttp2(target: number): Promise<Bridge> {
  const server = http2.createServer({ settings: { enableConnectProtocol: true }, maxSessionMemory: MEMORY });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const lines = PASSED_ON.filter((name) => name in headers).map((name) => `${name}: ${String(headers[name])}\r\n`);
    const socket = net.connect(target, '127.0.0.1');
    socket.write(
      `GET ${headers[':path']} HTTP/1.1\r\nHost: 127.0.0.1:${target}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${lines.join('')}\r\n`,
    );
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      socket.off('data', read);
      socket.pause();
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(head.toString('latin1', 0, end)) ?? [];
      const fields = [
        ...head.toString('latin1', 0, end).matchAll(/\r\n(sec-websocket-(?:protocol|extensions)): (.*)/gi),
      ];
      stream.respond({
        ':status': status === '101' ? 200 : Number(status),
        ...Object.fromEntries(fields.map(([, name, value]) => [name.toLowerCase(), value])),
      });
      stream.write(head.subarray(end + 4));
      join(socket, stream);
    };
    socket.on('data', read);
    socket.on('error', () => stream.close(NGHTTP2_CANCEL));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = (): void => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}
