// `overHttp2` says whether the contract is held over streams of HTTP/2 (RFC 8441), as `npm run test:modes` asks.
import http2 from 'node:http2';
import type { WebSocket, WebSocketServer } from '../../src/index.js';
import type { ServerOptions } from '../../src/node/server-options.js';

export const overHttp2: boolean = process.env.WSIMD_TEST_HTTP2 === '1';

/** Megabytes that may wait on a session: with more than Node's 10 it refuses streams in the midst of long messages. */
const SESSION_MEMORY = 1000;

interface Classes {
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketServer: typeof WebSocketServer;
}

type Given<Class extends abstract new (...given: never[]) => unknown> = Readonly<ConstructorParameters<Class>>;

/** Classes of the front door whose servers with a `port` speak HTTP/2, and whose clients ask for it. */
export function classesOverHttp2(ours: Classes): Classes {
  return {
    WebSocket: madeBy(ours.WebSocket, (make, [address, protocols, options]: Given<typeof WebSocket>) => {
      const isList = protocols === undefined || typeof protocols === 'string' || Array.isArray(protocols);
      if (address === null) return make(null, undefined, options);
      if (isList) return make(address, protocols, { ...options, http2: true });
      return make(address, { ...protocols, http2: true });
    }),
    WebSocketServer: madeBy(ours.WebSocketServer, (make, given: Given<typeof WebSocketServer>) => {
      const [{ port, host, backlog, ...rest } = {} as ServerOptions, listening] = given;
      if (port === undefined || port === null || rest.server || rest.noServer) return make(...given);
      const server = http2.createServer({ maxSessionMemory: SESSION_MEMORY });
      const ours = make({ ...rest, server }) as WebSocketServer;
      server.listen(port as number, host as string, backlog as number, listening);
      ours.once('close', () => server.close());
      return ours;
    }),
  };
}

/** The same class for all who look at it, whose instances, and those of classes that extend it, `construct` makes. */
function madeBy<Class extends new (...given: never[]) => object>(
  own: Class,
  construct: (make: (...given: unknown[]) => object, given: Given<Class>) => object,
): Class {
  const proxy: Class = new Proxy(own, {
    construct: (_target, given, asked: Class) =>
      construct((...rest) => Reflect.construct(own, rest, asked === proxy ? own : asked) as object, given as never),
  });
  return proxy;
}
