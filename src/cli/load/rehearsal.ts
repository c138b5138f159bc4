// `rehearse` runs an open loop against a server in its own thread, so that the engine compiles the load beforehand.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { acceptKey } from '../../sans-io.js';
import { Client, type Owner } from './client.js';
import { newRecording, OpenLoop, type Window } from './pacing.js';
import { Messages } from './messages.js';
import type { Target } from './plan.js';

const CONNECTIONS = 4;
/** Messages a second: enough for the engine to find the code hot, and few enough to leave it time to compile. */
const RATE = 40_000;
/** The duration in ms; its second half is the measured time, so that the code of that runs too. */
const DURATION = 500;
const PAYLOAD = Buffer.alloc(16);
/** The length of a masked frame with the payload, and the answer to it. */
const FRAME_LENGTH = 6 + PAYLOAD.length;
const ANSWER = Buffer.of(0x82, 0);
const KEY = /^sec-websocket-key: *(\S+)/im;

/** Rehearses for half a second; does nothing if this machine cannot listen on `host`. */
export async function rehearse(host = '127.0.0.1'): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    answer(socket);
  });
  if (!(await listens(server, host))) return;
  try {
    await play(targetAt(host, (server.address() as AddressInfo).port));
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function listens(server: Server, host: string): Promise<boolean> {
  try {
    server.listen(0, host);
    await once(server, 'listening');
    return true;
  } catch {
    // The load is right without a rehearsal: its first seconds are only less even.
    return false;
  }
}

/** Accepts the opening request, and answers each message with an empty one. */
function answer(socket: Socket): void {
  let rest = 0;
  socket.on('error', () => socket.destroy());
  socket.once('data', (head: Buffer) => {
    const key = KEY.exec(head.toString('latin1'))?.[1] ?? '';
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${acceptKey(key)}\r\n\r\n`,
    );
    socket.on('data', ({ length }: Buffer) => {
      const count = Math.floor((rest + length) / FRAME_LENGTH);
      rest += length - count * FRAME_LENGTH;
      if (count > 0) socket.write(Buffer.alloc(count * ANSWER.length, ANSWER));
    });
  });
}

async function play(target: Target): Promise<void> {
  const messages = new Messages({ payloads: [PAYLOAD], isBinary: true, isCompressed: false });
  let loop: OpenLoop | undefined;
  let settled = 0;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      if (++settled === CONNECTIONS) resolve();
    };
    const owner: Owner = {
      opened: settle,
      failed: settle,
      answered: (client, count, now) => loop?.answered(client, count, now),
      messages: () => messages,
    };
    const clients = Array.from(
      { length: CONNECTIONS },
      (_, index) => new Client(target, owner, index, { from: index, timeout: DURATION }),
    );
    const start = performance.now();
    const window: Window = { start: start + DURATION / 2, end: start + DURATION };
    loop = new OpenLoop(clients, { rate: RATE, connections: CONNECTIONS, first: 0 }, window, newRecording());
  });
  loop?.start(performance.now());
  await new Promise((resolve) => setTimeout(resolve, DURATION));
  loop?.stop();
}

function targetAt(host: string, port: number): Target {
  return {
    url: `ws://${host}:${port}/`,
    isTls: false,
    host,
    port,
    unix: undefined,
    request: '/',
    authority: `${host}:${port}`,
    headers: {},
    protocols: [],
    origin: undefined,
    isInsecure: false,
    offersDeflate: false,
  };
}
