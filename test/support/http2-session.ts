// `sessionTo` opens a client's HTTP/2 session to a server that a test has made.
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';

/** Listens on a free port, and resolves once the settings have come; `endings` gets what ends both. */
export async function sessionTo(
  server: http2.Http2Server,
  endings: (() => unknown)[],
): Promise<http2.ClientHttp2Session> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  endings.push(async () => {
    session.destroy();
    server.close();
    await once(server, 'close');
  });
  await once(session, 'remoteSettings');
  return session;
}
