// Libraries that decode -> sides of a comparison, which all take the same chunks and hand whole messages to an audience.
import websocketDriver from 'websocket-driver';
import { Receiver } from 'ws';
import { Connection } from '../../dist/connection/connection.js';
import { makeJavaScriptKernels } from '../../dist/kernels/index.js';
import { makeNodeValues, nodeValues } from '../../dist/node/values.js';
import { Role } from '../../dist/spec/frame.js';
import { Audience, copyChunks } from './frames.mjs';

/** What all sides share. Chunks are unmasked in place by each of them, so that every pass gets fresh ones, made before the clock starts. */
function makeSide(name, stream, open) {
  const audience = new Audience(stream);
  const receive = open(audience);
  return {
    name,
    units: stream.messages,
    prepare: (count) => copyChunks(stream, count),
    run(_count, chunks) {
      for (const chunk of chunks) receive(chunk);
    },
    check: (count) => audience.check(count * stream.messages),
  };
}

/**
 * What a server's transport does with a chunk of a net socket; `text` as the option of that name, `values` those of the build
 * that `Ours` comes from.
 */
export function ourDecoder(name, stream, { text = 'bytes', kernels, values = nodeValues, Ours = Connection } = {}) {
  return makeSide(name, stream, (audience) => {
    const connection = new Ours({ role: Role.Server, text, kernels, values });
    return (chunk) => {
      connection.receiveOwned(chunk);
      for (let event = connection.next(); event !== undefined; event = connection.next()) audience.take(event.data);
      connection.detach();
    };
  });
}

/** The same on the kernels in JavaScript. */
export function twinDecoder(name, stream) {
  const kernels = makeJavaScriptKernels();
  return ourDecoder(name, stream, { kernels, values: makeNodeValues(kernels) });
}

/** The Receiver of `ws`, as its WebSocket uses it. */
export function wsDecoder(name, stream, { text = 'bytes' } = {}) {
  return makeSide(name, stream, (audience) => {
    const receiver = new Receiver({ isServer: true, maxPayload: 100 * 1024 * 1024 });
    receiver.on('error', (error) => {
      throw error;
    });
    if (text === 'string') receiver.on('message', (data) => audience.take(data.toString()));
    else receiver.on('message', (data) => audience.take(data));
    return (chunk) => {
      receiver.write(chunk);
    };
  });
}

/** websocket-driver, which hands text out as strings. */
export function driverDecoder(name, stream) {
  return makeSide(name, stream, (audience) => {
    const driver = websocketDriver.server();
    driver.on('connect', () => driver.start());
    driver.on('message', ({ data }) => audience.take(data));
    driver.parse(
      Buffer.from(
        'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    );
    return (chunk) => {
      driver.parse(chunk);
    };
  });
}
