/** Random opening requests to random servers: the same events and the same answer as from `ws`, byte for byte. */
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { runsLong } from '../../support/long.js';
import { Random } from '../../support/random.js';
import { event } from './harness.js';
import { ours, reference, type Client, type Implementation, type Server } from './implementations.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
/** A masked text frame of "hi", and its echo. */
const FRAME = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
const ECHO = '\x81\x02hi';

/** The lines of requests: a name, in how many of 40 requests it stands, and its values; in half of them the first one. */
const LINES: readonly (readonly [name: string, of40: number, values: readonly string[]])[] = [
  ['Host', 39, ['a', 'a:1', '', 'b.c']],
  ['Upgrade', 39, ['websocket', 'WebSocket', 'h2c', 'websocket, h2c', '', ' websocket ']],
  ['Connection', 39, ['Upgrade', 'upgrade', 'keep-alive, Upgrade', 'close', 'Upgrade, close', '']],
  ['Sec-WebSocket-Key', 39, [KEY, 'short', '', KEY.slice(0, -1), ` ${KEY} `, `${KEY}, x`, 'dGhlIHNhbXBsZSBub25jZR==']],
  ['Sec-WebSocket-Version', 39, ['13', '8', '12', '', '13, 8', '013', '14']],
  ['Sec-WebSocket-Protocol', 20, ['a', 'a, b', 'a,b', 'a,a', '', ',', 'a b', 'a,', ' a ', '"a"']],
  ['Sec-WebSocket-Protocol', 5, ['c']],
  ['Sec-WebSocket-Extensions', 20, ['permessage-deflate', 'permessage-deflate; server_max_window_bits=10', 'foo']],
  ['Sec-WebSocket-Extensions', 5, ['permessage-deflate; client_max_window_bits', 'foo; bar="q w"']],
  ['Origin', 13, ['http://o', 'null', '']],
  ['Sec-WebSocket-Origin', 4, ['http://old']],
  ['Cookie', 10, ['a=1']],
  ['Cookie', 4, ['b=2']],
  ['X-Long', 4, ['y'.repeat(3000)]],
  ['X Bad', 1, ['z']],
];

interface Plan {
  request: Buffer;
  hasFrame: boolean;
  /** Where the request is cut in two; 0 for nowhere. */
  cut: number;
  isOwn: boolean;
  options: Record<string, unknown>;
  verdict: readonly unknown[] | undefined;
  choice: 'first' | 'last' | 'none' | undefined;
  greets: boolean;
}

function generate(random: Random): Plan {
  const lines = LINES.filter(([, of40]) => random.below(40) < of40).map(
    ([name, , values]) => `${name}: ${random.oneIn(2) ? values[0] : random.pick(values)}`,
  );
  const method = random.oneIn(6) ? random.pick(['POST', 'HEAD', 'OPTIONS', 'get', 'PUT']) : 'GET';
  const url = random.pick(['/', '/p', '/p?x=1', '/p/', '//', '/%20', 'http://a/p', '*', '/p#f']);
  const head = `${method} ${url} HTTP/1.${random.oneIn(20) ? 0 : 1}\r\n${lines.join('\r\n')}\r\n\r\n`;
  const hasFrame = random.oneIn(3);
  return {
    request: Buffer.concat([Buffer.from(head), hasFrame ? FRAME : Buffer.alloc(0)]),
    hasFrame,
    cut: random.oneIn(3) ? random.between(1, head.length) : 0,
    isOwn: random.oneIn(2),
    options: {
      perMessageDeflate: random.pick([false, true, { serverMaxWindowBits: 11 }, { clientMaxWindowBits: 10 }]),
      ...(random.oneIn(4) && { path: random.pick(['/', '/p']) }),
    },
    verdict: random.oneIn(3)
      ? [
          random.oneIn(2),
          random.pick([undefined, 401, 404, 503]),
          random.pick([undefined, 'no', 'zürich']),
          random.pick([undefined, { 'X-A': 'b' }, { 'Set-Cookie': ['a=1', 'b=2'] }]),
        ]
      : undefined,
    choice: random.oneIn(3) ? random.pick(['first', 'last', 'none']) : undefined,
    greets: random.oneIn(4),
  };
}

/** Whether an answer, on a connection that goes on, has all that is to come. */
function isWhole(answer: string, { request, greets, hasFrame }: Plan): boolean {
  const end = answer.indexOf('\r\n\r\n') + 4;
  if (end === 3) return false;
  if (answer.startsWith('HTTP/1.1 101 '))
    return (!greets || answer.includes('hello')) && (!hasFrame || answer.includes(ECHO));
  const length = /^Content-Length: (\d+)/m.exec(answer)?.[1];
  return length !== undefined && (String(request).startsWith('HEAD') || answer.length >= end + Number(length));
}

/** Plays a request to a server of one implementation. Returns the events of the server, and the answer. */
async function play({ WebSocketServer }: Implementation, plan: Plan): Promise<string[]> {
  const { verdict, choice } = plan;
  const told: string[] = [];
  const options: Record<string, unknown> = {
    ...plan.options,
    ...(verdict && {
      verifyClient(
        { origin, req }: { origin: string; req: http.IncomingMessage },
        done: (...parts: unknown[]) => void,
      ) {
        told.push(`verify ${origin} ${req.url}`);
        setImmediate(done, ...verdict);
      },
    }),
    ...(choice && {
      handleProtocols(offered: Set<string>) {
        told.push(`offered ${[...offered].join('|')}`);
        return choice === 'none' ? false : [...offered].at(choice === 'first' ? 0 : -1);
      },
    }),
  };
  const own = plan.isOwn ? undefined : http.createServer((_, response) => response.end('plain'));
  const server: Server = new WebSocketServer({
    ...options,
    ...(own ? { server: own } : { host: '127.0.0.1', port: 0 }),
  });
  own?.listen(0, '127.0.0.1');
  await event(server, 'listening');
  server.on('headers', (lines: string[]) => told.push(`headers ${lines.length}`));
  server.on('connection', (ws: Client, { url, method, headers, rawHeaders }: http.IncomingMessage) => {
    told.push(
      `connection ${ws.protocol} ${ws.extensions} ${method} ${url} ${JSON.stringify(headers)} ${rawHeaders.join()}`,
    );
    ws.on('error', (error: Error) => told.push(`error ${error.message}`));
    ws.on('message', (data: Buffer, isBinary: boolean) => ws.send(data, { binary: isBinary, compress: false }));
    if (plan.greets) ws.send('hello', { compress: false });
  });
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  const ended = new Promise<Buffer>((resolve) => {
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (isWhole(answer.toString('latin1'), plan)) resolve(answer);
    });
    socket.on('error', () => resolve(answer)).on('end', () => resolve(answer));
  });
  if (plan.cut > 0) {
    socket.write(plan.request.subarray(0, plan.cut));
    await new Promise(setImmediate);
  }
  socket.write(plan.request.subarray(plan.cut));
  const answer = (await ended).toString('latin1');
  socket.destroy();
  for (const client of server.clients) client.terminate();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (own) {
    own.closeAllConnections();
    await new Promise((resolve) => own.close(resolve));
  }
  const same = answer
    .replace(/^Date: .*\r\n/m, '')
    .replace(/(?<=^Sec-WebSocket-Extensions: ).*/m, (list) => list.split('; ').sort().join('; '));
  return [...told, same];
}

it(
  'random requests: the same events and the same answer as from ws',
  { timeout: runsLong ? 300_000 : 30_000 },
  async () => {
    const [theirs, mine] = [await reference(), await ours()];
    const seeds = runsLong ? 3000 : 60;
    let opened = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const expected = await play(theirs, generate(new Random(seed)));
      expect(await play(mine, generate(new Random(seed))), `seed ${seed}`).toEqual(expected);
      if (expected.at(-1)!.startsWith('HTTP/1.1 101')) opened++;
    }
    // Enough of each kind, so that the comparison means something.
    expect(opened).toBeGreaterThan(seeds / 10);
    expect(opened).toBeLessThan((seeds * 9) / 10);
  },
);
