// A WebSocket as one end of a pipeline.
import { createReadStream } from 'node:fs';
import { pipeline, type Duplex } from 'node:stream';
import WebSocket, { createWebSocketStream } from 'ws';

const duplex: Duplex = createWebSocketStream(new WebSocket('ws://127.0.0.1'), {
  encoding: 'utf8',
  highWaterMark: 1024,
});
duplex.on('error', console.error);
duplex.pipe(process.stdout);
pipeline(createReadStream('file'), duplex, (error) => console.log(error?.code));

async function read(): Promise<number> {
  let length = 0;
  for await (const chunk of duplex) length += (chunk as string).length;
  return length;
}
void read();
