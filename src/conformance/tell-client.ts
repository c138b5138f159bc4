// `tellClient` answers the classic suite's other paths, on which a connection carries one message and closes.

import type { Duplex } from 'node:stream';
import { BadRequest } from './client-query.js';
import { Connection } from './connection.js';
import type { Asked } from './examine-client.js';
import { EXAMINER, TIMES } from './examination.js';
import { buildResponse, judgeRequest } from './handshake.js';
import { Recorder } from './recorder.js';
import { Opcode } from './wire.js';

/** Makes the text of a message; null for no message. */
export type Text = () => string | null | Promise<string | null>;

/**
 * Opens a WebSocket connection, sends one text message, or none for null, and closes without a code.
 * @throws BadRequest when the request is not an opening handshake
 */
export function tellClient(
  socket: Duplex,
  asked: Asked,
  text: Text,
  { protocol, timeScale }: { protocol: string | undefined; timeScale: number },
): void {
  const wrong = judgeRequest(asked.header);
  if (wrong !== null) throw new BadRequest(400, wrong);
  const key = asked.header.values('sec-websocket-key')[0];
  const connection = new Connection(socket, {
    role: 'server',
    recorder: new Recorder(),
    times: { reply: TIMES.reply * timeScale, drop: TIMES.drop * timeScale },
    deflate: null,
    handlers: { event: () => undefined },
  });
  socket.on('data', (chunk: Buffer) => connection.receive(chunk));
  socket.once('close', () => connection.lost());
  socket.write(buildResponse({ key, agent: EXAMINER, extensions: null, protocol }, {}));
  if (asked.rest.length > 0) connection.receive(asked.rest);
  void say(connection, text);
}

async function say(connection: Connection, text: Text): Promise<void> {
  try {
    const message = await text();
    if (message !== null && connection.isOpen) connection.sender.sendFrame(Opcode.Text, Buffer.from(message));
    connection.close(null);
  } catch (error) {
    connection.close(1011, error instanceof Error ? error.message.slice(0, 60) : null);
  }
}
