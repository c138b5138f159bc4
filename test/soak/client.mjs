// Many clients in one process, on raw sockets: healthy ones that send, check every echo and close by the rules, and some that
// reset, end, stall or break the protocol at any moment.
import { connect } from 'node:net';
import { Faults, Ledger, makeMessage } from './message.mjs';
import { FrameReader, maskedFrame } from './wire.mjs';

const TICK = 20;
/** How many handshakes may be under way at a time. */
const OPENING = 200;

const [port, connections, rate, churn, chaosShare, firstConnection, seed] = process.argv.slice(2).map(Number);
const faults = new Faults();
const counts = {
  opened: 0,
  refused: 0,
  closed: 0,
  sent: 0,
  received: 0,
  chaos: { reset: 0, end: 0, stall: 0, bad: 0 },
};
const healthy = [];
let opening = 0;
let troublesome = 0;
let nextConnection = firstConnection;
let isEnding = false;

// xorshift32: the run is the same for the same seed, as far as the network's timing allows.
let state = seed | 1;
function below(limit) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

/** A raw socket after its opening handshake. Many source addresses, since each has 28,000 ports only. */
function open(path, onOpen, onFrame, onClose) {
  opening++;
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + below(8)}`, noDelay: true });
  const reader = new FrameReader();
  let head = '';
  let isOpen = false;
  let wasOpened = false;
  const settle = () => {
    if (!isOpen) opening--;
    isOpen = true;
  };
  socket.on('data', (chunk) => {
    if (!isOpen) {
      head += chunk.latin1Slice();
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      settle();
      if (!head.startsWith('HTTP/1.1 101')) {
        // A server that is kept from running for 10 s answers 408; the connection is opened anew.
        counts.refused++;
        socket.destroy();
        return;
      }
      wasOpened = true;
      onOpen(socket);
      chunk = Buffer.from(head.slice(end + 4), 'latin1');
    }
    for (const { first, payload } of reader.push(chunk)) onFrame(first, payload);
  });
  socket.on('error', () => {}); // 'close' follows, and is judged there.
  socket.on('close', () => {
    settle();
    onClose(wasOpened);
  });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  return socket;
}

function lengthOf() {
  const kind = below(1000);
  return kind === 0 ? below(200_000) : kind < 20 ? below(20_000) : below(400);
}

function frames(connection, sequence) {
  const message = makeMessage(connection, sequence, lengthOf());
  const opcode = 1 + below(2);
  if (below(8) > 0) return [maskedFrame(0x80 | opcode, message, below(2 ** 32))];
  const cut = below(message.length);
  return [
    maskedFrame(opcode, message.subarray(0, cut), below(2 ** 32)),
    maskedFrame(0x89, Buffer.from('between'), below(2 ** 32)),
    maskedFrame(0x80, message.subarray(cut), below(2 ** 32)),
  ];
}

class Healthy {
  socket = undefined;
  id = nextConnection++;
  sent = 0;
  isClosing = false;
  hasClosed = false;
  /** The second piece of the last message, still to be written. */
  rest = undefined;
  ledger = new Ledger(this.id, faults);

  send() {
    const octets = Buffer.concat(frames(this.id, this.sent++));
    counts.sent++;
    this.flush();
    // One write in four reaches the server in two pieces.
    const cut = below(4) === 0 ? below(octets.length) : octets.length;
    this.socket.write(octets.subarray(0, cut));
    if (cut === octets.length) return;
    this.rest = octets.subarray(cut);
    setTimeout(() => this.flush(), below(10));
  }

  flush() {
    if (this.rest === undefined) return;
    this.socket.write(this.rest);
    this.rest = undefined;
  }

  receive(first, payload) {
    if (first === 0x81 || first === 0x82) {
      counts.received++;
      this.ledger.receive(payload);
    } else if (first === 0x88) {
      this.hasClosed = this.isClosing && payload.length === 2 && payload.readUInt16BE() === 1000;
    } else if (first !== 0x8a) {
      faults.corrupted++;
    }
  }

  close() {
    this.isClosing = true;
    this.flush();
    this.socket.write(maskedFrame(0x88, Buffer.from([0x03, 0xe8]), below(2 ** 32)));
  }

  closed() {
    counts.closed++;
    if (!this.hasClosed) faults.broken++;
    this.ledger.end(this.sent);
    healthy[healthy.indexOf(this)] = healthy.at(-1);
    healthy.pop();
  }
}

/** Its handshake is under way. */
function openHealthy() {
  const peer = new Healthy();
  peer.socket = open(
    `/${peer.id}`,
    () => {
      counts.opened++;
      healthy.push(peer);
      if (isEnding) peer.close();
    },
    (first, payload) => peer.receive(first, payload),
    (wasOpened) => wasOpened && peer.closed(),
  );
}

/** What breaks RFC 6455, each in another way. */
const BAD = [
  Buffer.from('838000000000', 'hex'),
  Buffer.from('f18000000000', 'hex'),
  Buffer.from('810161', 'hex'),
  Buffer.from('818200000000c328', 'hex'),
  Buffer.from('82ff7fffffffffffffff00000000', 'hex'),
  Buffer.from('8881000000001f', 'hex'),
  Buffer.from('808000000000', 'hex'),
  Buffer.from('89fe007e00000000', 'hex'),
];

function makeTrouble() {
  troublesome++;
  const kind = ['reset', 'end', 'stall', 'bad'][below(4)];
  const socket = open(
    '/chaos',
    () => {
      for (let i = below(4); i >= 0; i--) socket.write(Buffer.concat(frames(0, i)));
      setTimeout(act, below(3000));
    },
    () => {},
    () => troublesome--,
  );
  function act() {
    if (socket.destroyed) return;
    counts.chaos[kind]++;
    const last = Buffer.concat(frames(0, 9));
    if (kind === 'bad') socket.write(BAD[below(BAD.length)]);
    if (kind === 'stall') {
      socket.pause();
      for (let i = 0; i < 16; i++) socket.write(maskedFrame(0x82, makeMessage(0, i, 16_384), i));
      setTimeout(() => socket.destroy(), 1000 + below(5000));
    }
    // In the middle of a frame, or at its end.
    if (kind === 'end' || kind === 'reset') socket.write(last.subarray(0, below(last.length + 1)));
    if (kind === 'end') socket.end();
    if (kind === 'reset') setImmediate(() => socket.resetAndDestroy());
  }
}

const wantedTrouble = Math.round(connections * chaosShare);
const wantedHealthy = connections - wantedTrouble;
let due = 0;
let dueCloses = 0;
let at = 0;
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  const seconds = (now - last) / 1000;
  last = now;
  const missing = Math.min(OPENING - opening, wantedHealthy - healthy.length - opening);
  for (let i = 0; i < missing; i++) openHealthy();
  // Trouble begins once the healthy ones stand.
  const wanted = healthy.length > wantedHealthy * 0.9 ? Math.min(OPENING - opening, wantedTrouble - troublesome) : 0;
  for (let i = 0; i < wanted; i++) makeTrouble();
  due = Math.min(due + rate * seconds, rate);
  for (; due >= 1 && healthy.length > 0; due--) {
    const peer = healthy[at++ % healthy.length];
    // One that the server cannot keep up with is left alone for a while.
    if (!peer.isClosing && peer.sent - peer.ledger.expected < 50) peer.send();
  }
  for (dueCloses += churn * seconds; dueCloses >= 1; dueCloses--) {
    const peer = healthy[below(healthy.length || 1)];
    if (peer !== undefined && !peer.isClosing) peer.close();
  }
}, TICK);
const report = () => process.send({ client: { ...counts, healthy: healthy.length, troublesome, faults } });
const reports = setInterval(report, 1000);

process.on('message', (order) => {
  if (order !== 'end' || isEnding) return;
  isEnding = true;
  clearInterval(timer);
  for (const peer of healthy) if (!peer.isClosing) peer.close();
  const deadline = Date.now() + 45_000;
  const waiting = setInterval(() => {
    if (healthy.length > 0 && Date.now() < deadline) return;
    clearInterval(waiting);
    clearInterval(reports);
    // Those that are left have never been answered.
    faults.broken += healthy.length;
    for (const peer of healthy) peer.ledger.end(peer.sent);
    process.send({ end: { ...counts, faults } }, () => process.exit(0));
  }, 50);
});
process.on('disconnect', () => process.exit(1));
