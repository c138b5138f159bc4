// `joinRecording` opens a connection to a server of ours, whose client records its messages and its end as texts.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket as Theirs } from 'ws';
import type { WebSocket, WebSocketServer } from '../../src/index.js';

export interface Pair {
  readonly socket: WebSocket;
  readonly client: InstanceType<typeof Theirs>;
  readonly received: string[];
}

export async function joinRecording(
  server: WebSocketServer,
  perMessageDeflate: boolean | object = false,
  Client: typeof Theirs = Theirs,
): Promise<Pair> {
  const client = new Client(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { perMessageDeflate });
  const received: string[] = [];
  client.on('message', (data: Buffer, isBinary: boolean) =>
    received.push(`${isBinary ? 'b' : 't'} ${data.toString()}`),
  );
  client.on('close', (code) => received.push(`closed ${code}`));
  const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [[WebSocket], unknown];
  return { socket, client, received };
}
