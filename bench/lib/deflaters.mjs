// The compression of one connection, ours or that of `ws`, behind one face: a payload in, its result or a promise of it out.
import { PerMessageDeflate } from 'ws';
import { createDeflater, createInflater } from '../../dist/node/deflate/engines.js';
import { Role } from '../../dist/spec/frame.js';

/**
 * Our engines for one connection, as a server's.
 * @param {{ takeover: boolean, zlibDeflateOptions?: object, zlibPath?: 'handle' | 'public' }} settings
 */
export function ourDeflate({ takeover, zlibDeflateOptions, zlibPath }) {
  const agreed = {
    serverNoContextTakeover: !takeover,
    clientNoContextTakeover: !takeover,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
  };
  const options = { zlibDeflateOptions, zlibPath };
  let arrived;
  const deliver = (result) => arrived(result);
  const settled = (answer) => (typeof answer === 'symbol' ? new Promise((resolve) => (arrived = resolve)) : answer);
  const deflater = createDeflater(agreed, Role.Server, options, deliver);
  const inflater = createInflater(agreed, Role.Server, options, deliver);
  return {
    deflate: (message) => settled(deflater.deflate(message, true)),
    inflate: (payload) => settled(inflater.inflate(payload, Infinity)),
    close() {
      deflater.close();
      inflater.close();
    },
  };
}

/** The same of `ws`. */
export function wsDeflate({ takeover, zlibDeflateOptions }) {
  const engine = new PerMessageDeflate({ isServer: true, zlibDeflateOptions });
  engine.accept([takeover ? {} : { server_no_context_takeover: [true], client_no_context_takeover: [true] }]);
  const promised = (method) => (data) =>
    new Promise((resolve, reject) => {
      engine[method](data, true, (error, result) => (error ? reject(error) : resolve(result)));
    });
  return { deflate: promised('compress'), inflate: promised('decompress'), close: () => engine.cleanup() };
}
