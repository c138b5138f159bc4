// A small echoing server that follows RFC 6455 but for one planted mistake.
import { isUtf8 } from 'node:buffer';
import { closeCode, listenRaw, type RawPeer, responseHead } from '../../support/raw-peer.js';

/** What the server does wrong. */
export type Mistake =
  | 'reads text without a look at it'
  | 'takes reserved bits'
  | 'takes unknown opcodes'
  | 'takes control frames of 126 bytes'
  | 'takes frames without a mask'
  | 'takes continuations of nothing'
  | 'takes a new message inside another'
  | 'takes any close code'
  | 'loses empty messages'
  | 'loses messages of 126 bytes and more'
  | 'answers pings with an empty pong'
  | 'echoes binary as text'
  | 'dies of a ping inside a message'
  | 'none';

const SENDABLE = new Set([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011]);

async function converse(peer: RawPeer, mistake: Mistake, die: () => void): Promise<void> {
  const fail = (code: number): void => {
    peer.send({ opcode: 8, payload: closeCode(code) });
    peer.socket.end();
  };
  let message: { opcode: number; parts: Buffer[] } | null = null;
  for (;;) {
    const { opcode, fin, rsv1, rsv2, rsv3, masked, payload } = await peer.readFrame();
    if (!masked && mistake !== 'takes frames without a mask') return fail(1002);
    if ((rsv1 || rsv2 || rsv3) && mistake !== 'takes reserved bits') return fail(1002);
    if ((opcode > 2 && opcode < 8) || opcode > 10) {
      if (mistake !== 'takes unknown opcodes') return fail(1002);
      continue;
    }
    if (opcode >= 8 && (!fin || (payload.length > 125 && mistake !== 'takes control frames of 126 bytes')))
      return fail(1002);
    if (opcode === 9) {
      if (message !== null && mistake === 'dies of a ping inside a message') return die();
      if (payload.length <= 125)
        peer.send({ opcode: 10, payload: mistake === 'answers pings with an empty pong' ? '' : payload });
      continue;
    }
    if (opcode === 10) continue;
    if (opcode === 8) {
      const code = payload.length > 1 ? payload.readUInt16BE(0) : 1000;
      if (mistake === 'takes any close code' && !SENDABLE.has(code)) continue;
      return fail(payload.length === 1 || !SENDABLE.has(code) ? 1002 : code);
    }
    if (opcode === 0 && message === null) {
      if (mistake !== 'takes continuations of nothing') return fail(1002);
      continue;
    }
    if (opcode !== 0 && message !== null && mistake !== 'takes a new message inside another') return fail(1002);
    message ??= { opcode, parts: [] };
    message.parts.push(payload);
    if (!fin) continue;
    const whole: Buffer = Buffer.concat(message.parts);
    const binary = message.opcode === 2;
    message = null;
    if (!binary && !isUtf8(whole)) {
      if (mistake !== 'reads text without a look at it') return fail(1007);
      continue;
    }
    if (whole.length === 0 && mistake === 'loses empty messages') continue;
    if (whole.length > 125 && mistake === 'loses messages of 126 bytes and more') continue;
    peer.send({ opcode: binary && (mistake !== 'echoes binary as text' || !isUtf8(whole)) ? 2 : 1, payload: whole });
  }
}

/** A server with this mistake. When it dies it no longer listens. */
export async function mistakenServer(mistake: Mistake): Promise<{ url: string; stop: () => void }> {
  const { port, server, stop } = await listenRaw(
    (peer, request) => {
      peer.socket.on('error', () => undefined);
      peer.write(responseHead(request));
      const die = (): void => {
        server.close();
        peer.socket.destroy();
      };
      // The stream ends inside a frame when the examiner drops it.
      converse(peer, mistake, die).catch(() => undefined);
    },
    { endWithPeer: true },
  );
  return { url: `ws://127.0.0.1:${port}`, stop };
}
