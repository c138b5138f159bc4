// Prints how a server ends a connection whose message is longer than the memory that the system still gives, and whether it
// serves another one. Linux; needs dist. The argument is the binaryType.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { WebSocket, WebSocketServer } from '../../dist/index.js';

const MIB = 1024 * 1024;
/** How much more memory the process may have, and how long the message is, in fragments of 1 MiB. */
const LEFT = 200 * MIB;
const FRAGMENTS = 180;

const HEAD =
  'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 0 });
await once(server, 'listening');
const { port } = server.address();
const codes = [];
server.on('connection', (socket) => {
  socket.binaryType = process.argv[2];
  socket.on('message', (data, isBinary) => isBinary || socket.send(data, { binary: false }));
  socket.on('error', ({ closeCode }) => codes.push(closeCode));
});

const peer = connect(port, '127.0.0.1');
peer.on('error', () => {});
peer.resume();
peer.write(HEAD);
await once(server, 'connection');
const other = new WebSocket(`ws://127.0.0.1:${port}/`);
await once(other, 'open');

const [, kib] = /VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'));
execFileSync('prlimit', ['--pid', String(process.pid), `--as=${Number(kib) * 1024 + LEFT}`]);
/** A masked fragment; the key is zero. */
const header = Buffer.from([0x02, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
const payload = Buffer.alloc(MIB);
const closed = once(peer, 'close');
for (let at = 0; at < FRAGMENTS && peer.writable; at++) {
  header[0] = at === 0 ? 0x02 : at < FRAGMENTS - 1 ? 0 : 0x80;
  peer.write(Buffer.from(header));
  if (!peer.write(payload)) await Promise.race([once(peer, 'drain'), closed]);
}
await closed;
other.send('still here');
const [echo] = await once(other, 'message');
console.log(JSON.stringify({ codes, echo: String(echo) }));
process.exit();
