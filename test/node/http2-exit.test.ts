// Sends over HTTP/2 before the process exits: a session sends at the end of a turn, which does not come.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { WebSocket } from '../../src/index.js';
import { CERTIFICATE, KEY } from './contract/certificate.js';

const INDEX = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
/** Room for everything that a test sends; with Node's own windows the peer would hold it up. */
const WINDOW = 1024 * 1024;
/** Node 24 took this away in a late version: nothing sends while a session reads. */
const SENDS_IN_READS = !process.version.startsWith('v24.');

interface Run {
  /** How the streams are written to. */
  path?: 'direct' | 'stream';
  isSecure?: boolean;
}

/** The messages that each of three clients on one session gets of a server, which runs `body` in a handler of the last one's first. */
async function received(body: string, { path = 'direct', isSecure = false }: Run = {}): Promise<string[][]> {
  const tls = JSON.stringify({ cert: CERTIFICATE, key: KEY });
  const program = `
    import http2 from 'node:http2';
    import { WebSocketServer } from ${JSON.stringify(INDEX)};
    const server = ${isSecure ? `http2.createSecureServer(${tls})` : 'http2.createServer()'};
    const all = [];
    new WebSocketServer({ server, writePath: '${path}' }).on('connection', (websocket) => {
      websocket.once('message', () => {
        if (all.push(websocket) === 3) start();
      });
    });
    async function start() {
      const [a, b, c] = all;
      ${body}
    }
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [port] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const origin = `${isSecure ? 'https' : 'http'}://localhost:${port.trim()}`;
  const settings = { initialWindowSize: WINDOW };
  const session = http2.connect(origin, isSecure ? { ca: CERTIFICATE, settings } : { settings });
  session.on('error', () => {});
  session.once('connect', () => session.setLocalWindowSize(WINDOW));
  const all: string[][] = [];
  for (let at = 0; at < 3; at++) {
    const websocket = new WebSocket(origin.replace('http', 'ws'), { http2: session });
    const got: string[] = [];
    websocket.on('message', (data) => got.push(String(data)));
    websocket.on('close', (code) => got.push(String(code)));
    websocket.on('open', () => websocket.send('question'));
    all.push(got);
  }
  await new Promise((resolve) => session.on('close', resolve));
  if (child.exitCode === null) await once(child, 'exit');
  return all;
}

const ALL = `for (const each of all) for (let at = 1; at < 6; at++) each.send('message ' + at);`;
const FIVE = ['message 1', 'message 2', 'message 3', 'message 4', 'message 5', '1006'];
const LATER = 'await new Promise(setImmediate);';

test.each<[string, string, Run]>([
  ['in a turn of its own', `${LATER} ${ALL} process.exit();`, {}],
  ['in a turn of its own, over TLS', `${LATER} ${ALL} process.exit();`, { isSecure: true }],
  [
    'after sends of an earlier turn',
    `${LATER} a.send('message 1'); b.send('message 1'); c.send('message 1'); ${LATER}
    for (const each of all) for (let at = 2; at < 6; at++) each.send('message ' + at); process.exit();`,
    {},
  ],
  ['by an exception', `setImmediate(() => { ${ALL} throw new Error('after'); });`, {}],
  [
    "in 'exit', where the listener is older than the connections",
    `
    process.prependListener('exit', () => { ${ALL} }); ${LATER} process.exit();`,
    {},
  ],
])('everything that was sent to every connection is delivered: %s', async (_, body, run) => {
  expect(await received(body, run)).toEqual([FIVE, FIVE, FIVE]);
});

test('a long message is delivered as far as windows and the system take it, and a Close too', async () => {
  const body = `${LATER} a.send('x'.repeat(50_000)); a.send('end'); b.send('short'); b.close(4001); process.exit();`;
  const [long, short, none] = await received(body);
  expect([long.map(({ length }) => length), short, none]).toEqual([[50_000, 3, 4], ['short', '4001'], ['1006']]);
});

test('in a message handler it is delivered, where this Node sends while it reads', async () => {
  const body = `${ALL} process.exit();`;
  const got = await received(body);
  expect(got).toEqual(SENDS_IN_READS ? [FIVE, FIVE, FIVE] : [['1006'], ['1006'], ['1006']]);
});

test("of the sends of a later 'exit' listener each connection delivers the first", async () => {
  const body = `${LATER} process.on('exit', () => { ${ALL} }); process.exit();`;
  const first = ['message 1', '1006'];
  expect(await received(body)).toEqual([first, first, first]);
});

test('in the public way the first write of the turn is delivered, the others wait in the stream', async () => {
  const body = `${LATER} ${ALL} process.exit();`;
  for (const got of await received(body, { path: 'stream' })) {
    expect([got[0], got.at(-1), got.length < 6]).toEqual(['message 1', '1006', true]);
  }
});

test.each<[string, string]>([
  ['sends fill the stream', `for (let at = 1; at < 5; at++) a.send(at + 'x'.repeat(70_000)); a.send('5');`],
  [
    'the application writes to the stream',
    `for (const frame of ['810131', '810132']) a._socket.write(Buffer.from(frame, 'hex')); a.send('3'); a.send('4');`,
  ],
])('no send overtakes what waits in the stream, where %s', async (_, sends) => {
  const [got] = await received(`a.send('0'); ${LATER} ${sends} process.exit();`);
  const heads = got.slice(0, -1).map((text) => text[0]);
  expect(heads.join('')).toBe('012345'.slice(0, heads.length));
  expect([got[0], got.at(-1)]).toEqual(['0', '1006']);
});
