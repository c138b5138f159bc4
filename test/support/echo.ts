// The same conversation with every peer that echoes: what is sent, and how it comes back.
import type { EventEmitter } from 'node:events';
import { expect } from 'vitest';

/** An open connection of `ws`, or one shaped like it. */
export interface EchoSocket extends EventEmitter {
  send(data: Buffer, options: { binary: boolean; fin: boolean }): void;
  ping(data: string): void;
  close(code: number): void;
}

/** One message, and in how many fragments it is sent. */
export interface EchoMessage {
  name: string;
  data: string | Buffer;
  fragments: number;
}

function pattern(length: number): Buffer {
  const octets = Buffer.alloc(length);
  for (let at = 0; at < length; at++) octets[at] = at * 7 + (at >>> 8);
  return octets;
}

/** Text of this many bytes, with characters of one to four bytes, so that fragments cut characters. */
function textOf(length: number): string {
  return '\u{1f600}é€x'.repeat(Math.floor(length / 10)) + 'x'.repeat(length % 10);
}

/** Text, binary and empty messages, up to 16 MiB, whole and in fragments. */
const ECHO_MESSAGES: EchoMessage[] = [
  { name: 'text', data: 'Grüße, 世界', fragments: 1 },
  { name: 'text in fragments', data: 'Grüße, 世界', fragments: 3 },
  { name: 'binary', data: pattern(125), fragments: 1 },
  { name: 'binary in fragments', data: pattern(1000), fragments: 7 },
  { name: 'empty text', data: '', fragments: 1 },
  { name: 'empty binary', data: Buffer.alloc(0), fragments: 1 },
  { name: 'an empty message in fragments', data: '', fragments: 2 },
  { name: '64 KiB of text', data: textOf(64 * 1024), fragments: 1 },
  { name: '64 KiB of binary', data: pattern(64 * 1024), fragments: 1 },
  { name: '64 KiB of binary in fragments', data: pattern(64 * 1024), fragments: 16 },
  { name: '16 MiB of binary', data: pattern(16 * 1024 * 1024), fragments: 1 },
  { name: '16 MiB of text in fragments', data: textOf(16 * 1024 * 1024), fragments: 5 },
];

/** Sends every message, each fragment followed by a ping, and fails unless everything comes back as it was sent. */
export async function expectEchoes(socket: EchoSocket): Promise<void> {
  const pongs: string[] = [];
  const pings: string[] = [];
  const lastPong = new Promise<void>((resolve) => {
    socket.on('pong', (data: Buffer) => {
      pongs.push(data.toString());
      if (pongs.at(-1) === 'last') resolve();
    });
  });
  for (const { name, data, fragments } of ECHO_MESSAGES) {
    const octets = Buffer.from(data);
    const binary = typeof data !== 'string';
    const echo = new Promise<[Buffer, boolean]>((resolve, reject) => {
      socket.once('message', (message: Buffer, isBinary: boolean) => resolve([message, isBinary]));
      socket.once('close', (code) => reject(new Error(`closed with ${code} after ${name}`)));
    });
    for (let at = 0; at < fragments; at++) {
      const part = octets.subarray((octets.length * at) / fragments, (octets.length * (at + 1)) / fragments);
      socket.send(part, { binary, fin: at === fragments - 1 });
      socket.ping(`${name} ${at}`);
      pings.push(`${name} ${at}`);
    }
    const [message, isBinary] = await echo;
    expect([name, message.equals(octets), isBinary]).toEqual([name, true, binary]);
    socket.removeAllListeners('close');
  }
  socket.ping('last');
  await lastPong;
  expect(pongs).toEqual([...pings, 'last']);
}

/** Ends the connection with 1000, and fails unless the peer answers with that. */
export async function expectClose(socket: EchoSocket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.close(1000);
  expect(await closed).toBe(1000);
}
