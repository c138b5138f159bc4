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

/** JSON-like messages of `length` octets, without repetitions from one to the next. */
export function makeMessages(length, count) {
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  return Array.from({ length: count }, () => {
    let text = '';
    while (text.length < length) {
      text += `${JSON.stringify({
        id: Math.random().toString(36).slice(2),
        symbol: pick(['EURUSD', 'GBPUSD', 'USDJPY', 'AUDCAD']),
        price: Math.round(Math.random() * 1e6) / 1e4,
        time: 1.7e12 + Math.floor(Math.random() * 1e10),
        side: pick(['buy', 'sell']),
        user: `user${Math.floor(Math.random() * 1e6)}`,
      })},`;
    }
    return Buffer.from(text.slice(0, length), 'latin1');
  });
}
