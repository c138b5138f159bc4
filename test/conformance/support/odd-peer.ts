// An echoing testee made by hand that does one thing wrong at a time, as server or as client.
import { isUtf8 } from 'node:buffer';
import {
  closeCode,
  decodeFrame,
  listenRaw,
  requestRaw,
  responseHead,
  type RawFrame,
  type RawPeer,
} from '../../support/raw-peer.js';

/** What the testee does wrong; none of it: it conforms, as far as the cases ask that it is run in. */
export interface Oddity {
  /** Says nothing after the handshake. */
  silent?: true;
  /** Destroys TCP on the first byte. */
  drops?: true;
  /** Closes with this code whatever the reason; 0 stands for no code. */
  code?: number;
  /** Masks as server, does not mask as client. */
  wrongMask?: true;
  /** Puts this into every pong. */
  pong?: string;
  /** Echoes so many milliseconds late. */
  late?: number;
  noUtf8Check?: true;
  acceptsRsv?: true;
  unaskedPong?: true;
  /** Never drops TCP, as server, or never answers the close, as client. */
  keepsTcp?: true;
  /** Sends this in place of its side of the handshake. */
  garbage?: string;
  /** Echoes all messages as binary. */
  wrongType?: true;
  /** Echoes every message twice. */
  twice?: true;
  /** Sends without end. */
  floods?: true;
  /** Reads ahead: answers pings at once and messages a moment later. */
  readsAhead?: true;
  /** Agrees to permessage-deflate without reading what was asked, and sends compressed bytes back as they came. */
  mirrors?: true;
  /** Refuses requests with this in them: by this status, or by dropping TCP. */
  refuses?: { what: RegExp; status: string | null };
  /** Refuses a request with 503 where this returns true. */
  isBusy?: () => boolean;
}

function destroyed(peer: RawPeer): Promise<void> {
  peer.socket.destroy();
  return Promise.resolve();
}

/** Echoes on an open connection until it ends. */
async function converse(peer: RawPeer, role: 'client' | 'server', odd: Oddity): Promise<void> {
  const masked = (role === 'client') !== (odd.wrongMask ?? false);
  const write = (opcode: number, payload: Buffer): void => peer.send({ opcode, payload, masked });
  const close = (code: number): Promise<void> => {
    const chosen = odd.code ?? code;
    write(8, chosen === 0 ? Buffer.alloc(0) : closeCode(chosen));
    if (!odd.keepsTcp) peer.socket.end();
    return Promise.resolve();
  };
  if (odd.silent) return;
  if (odd.unaskedPong) write(10, Buffer.from('unasked'));
  if (odd.floods) {
    // In pieces of many frames: one write each takes this thread, where the examiner runs too, for seconds.
    const frame = peer.encode({ opcode: 1, payload: 'flood', masked });
    const piece = Buffer.concat(Array.from({ length: 1000 }, () => frame));
    const more = (): void => {
      while (!peer.socket.destroyed && peer.socket.write(piece));
      if (!peer.socket.destroyed) setTimeout(more, 1);
    };
    more();
    return;
  }
  let parts: RawFrame[] = [];
  for (;;) {
    const frame = await peer.readFrame();
    if (odd.drops) return destroyed(peer);
    if (((frame.rsv1 && !odd.mirrors) || frame.rsv2 || frame.rsv3) && !odd.acceptsRsv) return close(1002);
    // A server wants masks, and lengths in their shortest form.
    const header = frame.length - frame.payload.length - (frame.masked ? 4 : 0);
    const shortest = frame.payload.length < 126 ? 2 : frame.payload.length < 65536 ? 4 : 10;
    if (frame.masked !== (role === 'server') || header !== shortest) return close(1002);
    if (frame.opcode === 9) {
      write(10, odd.pong === undefined ? frame.payload : Buffer.from(odd.pong));
      continue;
    }
    if (frame.opcode === 10) continue;
    if (frame.opcode === 8) {
      if (odd.keepsTcp && role === 'client') return;
      return close(frame.payload.length === 1 ? 1002 : 1000);
    }
    parts = [...parts, frame];
    if (!frame.fin) continue;
    const [{ opcode, rsv1 }] = parts;
    const payload = Buffer.concat(parts.map((part) => part.payload));
    parts = [];
    if (opcode === 1 && !rsv1 && !odd.noUtf8Check && !isUtf8(payload)) return close(1007);
    if (odd.readsAhead) {
      setTimeout(() => write(opcode, payload), 20);
      continue;
    }
    if (rsv1) {
      peer.send({ opcode, payload, masked, rsv1 });
      continue;
    }
    if (odd.late !== undefined) await new Promise((resolve) => setTimeout(resolve, odd.late));
    write(odd.wrongType ? 2 : opcode, payload);
    if (odd.twice) write(opcode, payload);
  }
}

/** A server that does this wrong. */
export async function oddServer(odd: Oddity): Promise<{ url: string; stop: () => void }> {
  const { port, stop } = await listenRaw(
    (peer, request) => {
      peer.socket.on('error', () => undefined);
      if (odd.garbage !== undefined) {
        peer.write(odd.garbage);
        return;
      }
      const refuses = odd.isBusy?.() ? { what: /^/, status: '503 Busy' } : odd.refuses;
      if (refuses?.what.test(request)) {
        const { status } = refuses;
        if (status === null) peer.socket.destroy();
        else peer.socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      peer.write(responseHead(request, odd.mirrors ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {}));
      // The stream ends inside a frame when the examiner drops it.
      converse(peer, 'server', odd).catch(() => undefined);
    },
    { endWithPeer: !odd.keepsTcp },
  );
  return { url: `ws://127.0.0.1:${port}`, stop };
}

/** Runs one case as a client that does this wrong; resolves when the connection is gone. */
export async function oddClient(port: number, id: string, odd: Oddity): Promise<void> {
  const path = `/runCase?casetuple=${id}&agent=odd`;
  const peer = requestRaw(port, {
    requestLine: odd.garbage === undefined ? `GET ${path} HTTP/1.1` : `GET ${path} ${odd.garbage}`,
    endWithPeer: !odd.silent,
  });
  peer.socket.on('error', () => undefined);
  const head = await peer.readHead();
  if (head.startsWith('HTTP/1.1 101 ')) {
    try {
      await converse(peer, 'client', odd);
    } catch {
      // The examiner has ended the stream.
    }
  }
  await Promise.race([peer.ended, peer.closed]);
  peer.socket.destroy();
}

/** A server that reads now and then, answers a read as a whole, and throws the answers away when something in it was wrong, as wslay does. */
export async function hastyServer(): Promise<{ url: string; stop: () => void }> {
  let turn = 0;
  const { port, stop } = await listenRaw((peer, request) => {
    const { socket } = peer;
    socket.removeAllListeners('data');
    let unread = peer.unread;
    let message: Buffer | null = null;
    const read = (chunk: Buffer): void => {
      unread = Buffer.concat([unread, chunk]);
      const answers: Buffer[] = [];
      for (let frame = decodeFrame(unread); frame !== undefined; frame = decodeFrame(unread)) {
        unread = unread.subarray(frame.length);
        const { opcode, payload, fin, rsv1, rsv2, rsv3 } = frame;
        const reserved = rsv1 || rsv2 || rsv3 || (opcode > 2 && opcode < 8) || opcode > 10;
        if (reserved || (opcode === 0 && message === null)) {
          socket.end(peer.encode({ opcode: 8, payload: closeCode(1002) }));
          return;
        }
        if (opcode === 8) {
          socket.end(Buffer.concat([...answers, peer.encode({ opcode: 8, payload })]));
          return;
        }
        if (opcode === 9) answers.push(peer.encode({ opcode: 10, payload }));
        if (opcode > 2) continue;
        message = Buffer.concat([message ?? Buffer.alloc(0), payload]);
        if (!fin) continue;
        answers.push(peer.encode({ opcode: 1, payload: message }));
        message = null;
      }
      if (answers.length > 0) socket.write(Buffer.concat(answers));
      // Two reads are up to nine milliseconds apart.
      socket.pause();
      setTimeout(() => socket.resume(), turn++ % 10);
    };
    socket.on('data', read);
    peer.write(responseHead(request));
  });
  return { url: `ws://127.0.0.1:${port}`, stop };
}
