// Clients that come and go: `connect` has connections opened, used for one message and closed, a few at a time; `storm` has
// all of them opened at once, as after a deploy. A bench starts it as a process of its own.
import { connect } from 'node:net';
import { makeFrame, TEXT } from './lib/frames.mjs';
import { ready } from './servers/control.mjs';

const CLOSE = 8;
/** How many conversations are under way at a time. */
const AT_A_TIME = 20;
const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const ACCEPT = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const MESSAGE = makeFrame(TEXT, Buffer.from('hello'), true);
const REPLY = makeFrame(TEXT, Buffer.from('hello'), false);
const BYE = makeFrame(CLOSE, Buffer.of(3, 232), true);
const landing = Buffer.allocUnsafeSlow(64 * 1024);

let open = [];

/** Opens a connection; `taken` gets what comes back after the handshake, which `opened` is told of. */
function dial(port, opened, taken) {
  let head = '';
  let isOpen = false;
  const callback = (length, bytes) => {
    if (isOpen) {
      taken(socket, bytes.subarray(0, length));
      return true;
    }
    head += bytes.latin1Slice(0, length);
    if (!head.includes('\r\n\r\n')) return true;
    if (!head.startsWith('HTTP/1.1 101') || !head.toLowerCase().includes(ACCEPT.toLowerCase())) fail(`no 101: ${head}`);
    if (!head.endsWith('\r\n\r\n')) fail('more came than the head');
    isOpen = true;
    opened(socket);
    return true;
  };
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: landing, callback } });
  socket.on('error', ({ message }) => fail(message));
  socket.write(HANDSHAKE);
  return socket;
}

function fail(message) {
  console.error(`dialer: ${message}`);
  process.exit(1);
}

/** One conversation from its first byte to its last. */
function converse(port) {
  return new Promise((resolve) => {
    let hasReply = false;
    const socket = dial(
      port,
      () => socket.write(MESSAGE),
      (_socket, bytes) => {
        if (hasReply) return;
        if (!REPLY.equals(bytes)) fail('the reply is not what was sent');
        hasReply = true;
        socket.write(BYE);
      },
    );
    // The server closes first, and this side follows.
    socket.on('close', () => {
      if (!hasReply) fail('a connection was closed too early');
      resolve();
    });
  });
}

async function converseAll({ port, count }) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await converse(port);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return 'done';
}

async function storm({ port, count }) {
  const times = [];
  const start = performance.now();
  await new Promise((resolve) => {
    const opened = () => {
      if (times.push(performance.now() - start) === count) resolve();
    };
    open = Array.from({ length: count }, () => dial(port, opened, () => {}));
  });
  return { all: times.at(-1), late: times[Math.floor(0.99 * count)] };
}

process.on('message', (order) => {
  if (order.connect !== undefined) {
    converseAll(order.connect).then((answer) => process.send(answer), fail);
  } else if (order.storm !== undefined) {
    storm(order.storm).then((answer) => process.send(answer), fail);
  } else if (order === 'close') {
    for (const socket of open) socket.destroy();
    open = [];
    process.send('closed');
  }
});
ready(0);
