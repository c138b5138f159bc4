// `KNOWN_SERVERS` lists the echo servers that `--against` can start if their libraries are installed.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The command that starts a server, which prints its port, or the reason why it cannot be started. */
export type Start = { readonly command: readonly string[]; readonly version: string } | { readonly missing: string };

/** Finds an echo server from the user's current directory. */
type Find = (directory: string) => Start;

/** The main module of this package, relative to the file in dist/cli/ that this file is bundled into. */
const OURS = new URL('../index.js', import.meta.url).href;

/** The program for libraries whose `WebSocketServer` has the shape of that of `ws`. */
const IN_THE_SHAPE_OF_WS = `
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: deflate });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (websocket) => {
  websocket.on('error', () => {});
  websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
});`;

const UWEBSOCKETS = `
uws.App().ws('/*', {
  compression: deflate ? uws.SHARED_COMPRESSOR : uws.DISABLED,
  maxPayloadLength: 100 * 1024 * 1024,
  maxBackpressure: 256 * 1024 * 1024,
  idleTimeout: 0,
  message: (websocket, data, isBinary) => void websocket.send(data, isBinary, deflate),
}).listen('127.0.0.1', 0, (token) => console.log(uws.us_socket_local_port(token)));`;

const BUN = `
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, serving) => (serving.upgrade(request) ? undefined : new Response('', { status: 426 })),
  websocket: {
    perMessageDeflate: deflate,
    idleTimeout: 0,
    maxPayloadLength: 100 * 1024 * 1024,
    message: (websocket, data) => void websocket.send(data, deflate),
  },
});
console.log(server.port);`;

/** Returns the command of a program for Node, whose last argument says whether to compress. */
function node(imports: string, program: string): readonly string[] {
  return [process.execPath, '--input-type=module', '-e', `${BEGINNING}\n${imports}\n${program}`];
}

/** A Ctrl-C is for the load alone, which ends its servers, or leaves them with the end of their input. */
const BEGINNING = `const deflate = process.argv.at(-1) === 'deflate';
process.on('SIGINT', () => {});
process.stdin.on('end', () => process.exit()).resume();`;

/** Returns the path and the version of a package that a program in `directory` could require. */
function packageOf(name: string, directory: string): { path: string; version: string } | undefined {
  const require = createRequire(join(directory, 'program.js'));
  try {
    const path = require.resolve(name);
    const root = path.slice(0, path.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length);
    const { version = '' } = require(join(root, 'package.json')) as { version?: string };
    return { path, version };
  } catch {
    return undefined;
  }
}

export const KNOWN_SERVERS: Readonly<Record<string, Find>> = {
  wsimd: () => {
    const imports = `import { WebSocketServer } from ${JSON.stringify(OURS)};`;
    return { command: node(imports, IN_THE_SHAPE_OF_WS), version: '' };
  },
  ws: (directory) => {
    const found = packageOf('ws', directory);
    if (found === undefined) return { missing: 'npm install ws puts it here' };
    const path = pathToFileURL(found.path).href;
    const imports = `import ws from ${JSON.stringify(path)};\nconst { WebSocketServer } = ws;`;
    return { command: node(imports, IN_THE_SHAPE_OF_WS), version: found.version };
  },
  uws: (directory) => {
    // npm has it under the second name; the first is the name in its own repository.
    const found = packageOf('uWebSockets.js', directory) ?? packageOf('uwebsockets', directory);
    if (found === undefined) return { missing: 'npm install uwebsockets puts it here' };
    const path = pathToFileURL(found.path).href;
    return { command: node(`import uws from ${JSON.stringify(path)};`, UWEBSOCKETS), version: found.version };
  },
  bun: (directory) => {
    const places = [join(directory, 'node_modules', '.bin'), ...(process.env.PATH ?? '').split(delimiter)];
    const program = places.map((place) => join(place, 'bun')).find((file) => existsSync(file));
    if (program === undefined) return { missing: 'there is no bun in node_modules/.bin or in PATH' };
    return { command: [program, '-e', `${BEGINNING}\n${BUN}`], version: '' };
  },
};
