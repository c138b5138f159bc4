// The load: raw sockets that write masked frames encoded beforehand, count the octets of the replies, and compare a sample of
// them with what must come. A bench starts it as a process of its own and tells it what to do.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BINARY, makeFrame, makePayload, TEXT } from './lib/frames.mjs';
import { ready } from './servers/control.mjs';

/** One chunk in this many is compared octet by octet. */
const COMPARE_EVERY = 16;
/** How many connections are opened at a time. */
const OPENING = 100;
const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
/** All sockets read into this one buffer: a read and its callback are one step. */
const landing = Buffer.allocUnsafeSlow(256 * 1024);

let peers = [];
let script;
let count = 0;
let chunks = 0;
/** Fan-out only: connections that still wait for replies to the last request. */
let unserved = 0;

class Peer {
  isOpen = false;
  /** Where in the expected replies the next octet lies. */
  at = 0;

  constructor(port, tls, opened) {
    const onread = { buffer: landing, callback: (length, octets) => this.take(octets, length) };
    if (tls) {
      this.socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      this.socket.on('data', (octets) => this.take(octets, octets.length));
    } else {
      this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    }
    this.opened = opened;
    this.head = '';
    this.socket.on('error', fail);
    this.socket.on('close', () => {
      if (peers.includes(this)) fail(new Error('the server closed a connection'));
    });
    this.socket.write(HANDSHAKE);
  }

  take(octets, length) {
    if (!this.isOpen) {
      this.head += octets.latin1Slice(0, length);
      if (!this.head.endsWith('\r\n\r\n')) return true;
      if (!this.head.startsWith('HTTP/1.1 101')) fail(new Error(`no WebSocket: ${this.head}`));
      this.isOpen = true;
      this.opened();
      return true;
    }
    const { replies, depth, isFanOut } = script;
    const end = this.at + length;
    if (end > replies.length) fail(new Error('more octets came than were due'));
    if (++chunks % COMPARE_EVERY === 0 && replies.compare(octets, 0, length, this.at, end) !== 0) {
      fail(new Error('a reply is not what was sent'));
    }
    this.at = end;
    if (end < replies.length) return true;
    this.at = 0;
    count += depth;
    if (!isFanOut) this.socket.write(script.request);
    else if (--unserved === 0) ask();
    return true;
  }
}

/** Fan-out: one connection asks, all are answered. */
function ask() {
  unserved = peers.length;
  peers[0].socket.write(script.request);
}

function fail(error) {
  console.error(`load: ${error.message}`);
  process.exit(1);
}

/** What is written for one batch, and what comes back for it. */
function makeScript({ mode, length, kind, depth }) {
  if (mode === 'fan-out') {
    const reply = makeFrame(BINARY, Buffer.alloc(length, 'x'), false);
    const replies = Buffer.concat(Array.from({ length: depth }, () => reply));
    return { request: makeFrame(BINARY, Buffer.of(1), true), replies, depth, isFanOut: true };
  }
  const opcode = kind === 'binary' ? BINARY : TEXT;
  const payloads = Array.from({ length: Math.min(depth, 4) }, (_, variant) => makePayload(kind, length, variant));
  const frames = (isMasked) => {
    return Buffer.concat(Array.from({ length: depth }, (_, i) => makeFrame(opcode, payloads[i % 4], isMasked)));
  };
  const request = frames(true);
  return { request, replies: mode === 'raw' ? request : frames(false), depth, isFanOut: false };
}

async function open({ port, connections, tls, ...wanted }) {
  script = makeScript(wanted);
  count = 0;
  while (peers.length < connections) {
    const batch = Array.from({ length: Math.min(OPENING, connections - peers.length) }, () => {
      return new Promise((resolve) => peers.push(new Peer(port, tls, resolve)));
    });
    await Promise.all(batch);
  }
}

process.on('message', (order) => {
  if (order.open !== undefined) {
    open(order.open).then(() => process.send('opened'), fail);
  } else if (order === 'start') {
    if (script.isFanOut) ask();
    else for (const { socket } of peers) socket.write(script.request);
    process.send('started');
  } else if (order === 'count') {
    process.send({ count, at: performance.now() });
  } else if (order === 'close') {
    const all = peers;
    peers = [];
    for (const { socket } of all) socket.destroy();
    process.send('closed');
  }
});
ready(0);
