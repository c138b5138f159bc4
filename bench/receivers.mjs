// The other end of `bench:broadcast`: connections that count the messages they get. One of them asks for a message to all, and
// asks again once all have it. A bench starts it as a process of its own.
import { connect } from 'node:net';
import { BINARY, makeFrame } from './lib/frames.mjs';
import { ready } from './servers/control.mjs';

/** How many connections are opened at a time. */
const OPENING = 100;
const REQUEST = makeFrame(BINARY, Buffer.of(1), true);
const RSV1 = 0x40;
const EMPTY = Buffer.alloc(0);
const landing = Buffer.allocUnsafeSlow(256 * 1024);

const groups = [];

class Group {
  peers = [];
  isOpen = true;
  isWorking = false;
  unserved = 0;
  onQuiet = undefined;

  /**
   * @param {string} extensions the offer, '' for none
   * @param {number} burst how many messages to all come for each that is asked for
   */
  constructor(extensions, burst) {
    this.extensions = extensions;
    this.burst = burst;
  }

  ask() {
    this.unserved = this.burst * this.peers.length;
    this.peers[0].socket.write(REQUEST);
  }

  served() {
    if (--this.unserved > 0) return;
    if (this.isWorking) this.ask();
    else this.onQuiet();
  }
}

class Peer {
  isOpen = false;
  head = '';
  /** The bytes of a frame that has not come whole. */
  begun = EMPTY;

  constructor(group, port, opened) {
    this.group = group;
    this.opened = opened;
    const onread = { buffer: landing, callback: (length) => this.take(landing.subarray(0, length)) };
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.socket.on('error', ({ message }) => fail(message));
    this.socket.on('close', () => group.isOpen && fail('the server closed a connection'));
    this.socket.write(
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
        (group.extensions === '' ? '\r\n' : `Sec-WebSocket-Extensions: ${group.extensions}\r\n\r\n`),
    );
  }

  take(bytes) {
    if (!this.isOpen) {
      this.head += bytes.latin1Slice();
      if (!this.head.endsWith('\r\n\r\n')) return true;
      const isDeflated = /sec-websocket-extensions: permessage-deflate/i.test(this.head);
      if (!this.head.startsWith('HTTP/1.1 101') || isDeflated !== (this.group.extensions !== '')) fail(this.head);
      this.isOpen = true;
      this.opened();
      return true;
    }
    const { group } = this;
    let rest = this.begun.length > 0 ? Buffer.concat([this.begun, bytes]) : bytes;
    while (rest.length >= 4) {
      if (((rest[0] & RSV1) !== 0) !== (group.extensions !== '')) fail('a message is not compressed as agreed');
      // These messages have 2 to 65,535 bytes on the wire.
      const isShort = rest[1] < 126;
      const end = isShort ? 2 + rest[1] : 4 + rest.readUInt16BE(2);
      if (end > rest.length) break;
      rest = rest.subarray(end);
      group.served();
    }
    this.begun = rest.length > 0 ? Buffer.from(rest) : EMPTY;
    return true;
  }
}

function fail(message) {
  console.error(`receivers: ${message}`);
  process.exit(1);
}

async function open({ port, connections, extensions, burst }) {
  const group = new Group(extensions, burst);
  while (group.peers.length < connections) {
    const batch = Array.from({ length: Math.min(OPENING, connections - group.peers.length) }, () => {
      return new Promise((resolve) => group.peers.push(new Peer(group, port, resolve)));
    });
    await Promise.all(batch);
  }
  return groups.push(group) - 1;
}

process.on('message', (order) => {
  if (order.open !== undefined) {
    open(order.open).then((number) => process.send(number), fail);
  } else if (order.start !== undefined) {
    groups[order.start].isWorking = true;
    groups[order.start].ask();
    process.send('started');
  } else if (order.pause !== undefined) {
    const group = groups[order.pause];
    group.isWorking = false;
    group.onQuiet = () => process.send('quiet');
  } else if (order === 'close') {
    for (const group of groups) {
      group.isOpen = false;
      for (const { socket } of group.peers) socket.destroy();
    }
    process.send('closed');
  }
});
ready(0);
