// A client program: connections of the WebSocket class that is asked for, each of which keeps `depth` messages under way and
// sends as many again once all have come back.
import { done, ready, settings } from './servers/control.mjs';
import { makePayload } from './lib/frames.mjs';

const { library, port, connections, depth, length, kind } = settings;
const { WebSocket } = await import(library === 'ws' ? 'ws' : '../dist/index.js');
const payload = makePayload(kind, length);
const data = kind === 'binary' ? payload : payload.toString();

function connect() {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    let missing = 0;
    const send = () => {
      for (missing = 0; missing < depth; missing++) ws.send(data);
    };
    ws.on('message', (reply) => {
      if ((done.count++ & 1023) === 0 && Buffer.compare(reply, payload) !== 0)
        throw new Error('a reply is not what was sent');
      if (--missing === 0) send();
    });
    ws.on('error', reject);
    ws.on('open', () => {
      send();
      resolve();
    });
  });
}

await Promise.all(Array.from({ length: connections }, connect));
ready(0);
