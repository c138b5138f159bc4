// The load: raw sockets that write masked frames encoded beforehand, count the octets of the replies, and compare a sample of
// them with what must come. A bench starts it as a process of its own, has it open groups of connections, and lets one group
// after the other work.
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

/** Groups by the number that `open` answers with. */
let groups = [];
/** Messages that all groups have had answered. */
let count = 0;
let chunks = 0;

/** Connections to one server that all say the same. */
class Group {
  peers = [];
  isWorking = false;
  /** Connections that still wait for replies to what they asked last. */
  unserved = 0;
  /** Called when all is answered after a pause was asked for. */
  onQuiet = undefined;

  /** @param {string} name of the server */
  constructor(name, script) {
    this.name = name;
    this.script = script;
  }

  start() {
    this.isWorking = true;
    this.ask();
  }

  /** Every connection asks; of a fan-out one does, and all are answered. */
  ask() {
    const { peers, script } = this;
    this.unserved = peers.length;
    for (const { socket } of script.isFanOut ? peers.slice(0, 1) : peers) socket.write(script.request);
  }

  /** Resolves once everything that was asked is answered. */
  pause() {
    this.isWorking = false;
    return new Promise((resolve) => {
      this.onQuiet = resolve;
    });
  }

  /** A connection has all replies to what was asked. */
  served(peer) {
    const { script } = this;
    count += script.depth;
    if (this.isWorking && !script.isFanOut) peer.socket.write(script.request);
    else if (--this.unserved === 0) {
      if (this.isWorking) this.ask();
      else this.onQuiet();
    }
  }

  close() {
    const { peers } = this;
    this.peers = [];
    for (const { socket } of peers) socket.destroy();
  }
}

class Peer {
  isOpen = false;
  /** Where in the expected replies the next octet lies. */
  at = 0;

  constructor(group, port, tls, opened) {
    this.group = group;
    const onread = { buffer: landing, callback: (length, octets) => this.take(octets, length) };
    if (tls) {
      this.socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      this.socket.on('data', (octets) => this.take(octets, octets.length));
    } else {
      this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    }
    this.opened = opened;
    this.head = '';
    this.socket.on('error', ({ message }) => this.fail(message));
    this.socket.on('close', () => {
      if (group.peers.includes(this)) this.fail('the server closed a connection');
    });
    this.socket.write(HANDSHAKE);
  }

  take(octets, length) {
    if (!this.isOpen) {
      this.head += octets.latin1Slice(0, length);
      if (!this.head.endsWith('\r\n\r\n')) return true;
      if (!this.head.startsWith('HTTP/1.1 101')) this.fail(`no WebSocket: ${this.head}`);
      this.isOpen = true;
      this.opened();
      return true;
    }
    const { replies } = this.group.script;
    const end = this.at + length;
    if (end > replies.length) this.fail('more octets came than were due');
    if (++chunks % COMPARE_EVERY === 0 && replies.compare(octets, 0, length, this.at, end) !== 0) {
      this.fail('a reply is not what was sent');
    }
    this.at = end;
    if (end < replies.length) return true;
    this.at = 0;
    this.group.served(this);
    return true;
  }

  fail(message) {
    fail(new Error(`${this.group.name}: ${message}`));
  }
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

async function open({ name, port, connections, tls, ...wanted }) {
  const group = new Group(name, makeScript(wanted));
  const { peers } = group;
  while (peers.length < connections) {
    const batch = Array.from({ length: Math.min(OPENING, connections - peers.length) }, () => {
      return new Promise((resolve) => peers.push(new Peer(group, port, tls, resolve)));
    });
    await Promise.all(batch);
  }
  return groups.push(group) - 1;
}

process.on('message', (order) => {
  if (order.open !== undefined) {
    open(order.open).then((number) => process.send(number), fail);
  } else if (order.start !== undefined) {
    groups[order.start].start();
    process.send('started');
  } else if (order.pause !== undefined) {
    groups[order.pause].pause().then(() => process.send('quiet'), fail);
  } else if (order === 'count') {
    process.send({ count, at: performance.now() });
  } else if (order === 'close') {
    for (const group of groups) group.close();
    groups = [];
    process.send('closed');
  }
});
ready(0);
