/** `wsimd bench` against servers with planted stalls, delays and faults: it reports what was planted. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { bench, contenderTable } from '../../../src/cli/load/bench.js';
import type { Contender } from '../../../src/cli/load/contenders.js';
import { hireHere } from '../../../src/cli/load/crew.js';
import type { Result } from '../../../src/cli/load/result.js';
import { CERTIFICATE, KEY } from '../../node/contract/certificate.js';

const PROGRAM = fileURLToPath(new URL('../../../dist/cli/index.js', import.meta.url));

const directory = mkdtempSync(join(tmpdir(), 'wsimd-bench-'));
afterAll(() => rmSync(directory, { recursive: true }));
const fileOf = (name: string): string => join(directory, name);

type Behaviour = (websocket: WebSocket, number: number, request: IncomingMessage) => void;

const echo: Behaviour = (websocket) =>
  websocket.on('message', (data, binary) => websocket.send(data, { binary, compress: true }));

/** The address of a server of `ws` that behaves so with its connections, which it numbers. */
async function serverThat(behave: Behaviour, options: ServerOptions = {}): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  let count = 0;
  server.on('connection', (websocket, request) => {
    websocket.on('error', () => {});
    behave(websocket, count++, request);
  });
  onTestFinished(() => {
    for (const websocket of server.clients) websocket.terminate();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}/`;
}

interface Run {
  status: number;
  out: string;
  err: string;
}

async function run(...args: string[]): Promise<Run> {
  const said = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    columns: undefined,
  };
  const status = await bench(args, terminal, new AbortController().signal, hireHere);
  return { status, ...said };
}

/** The result of a run of one worker. */
async function measure(...args: string[]): Promise<Result & Pick<Run, 'status'>> {
  const { status, out } = await run('--json', '--workers', '1', ...args);
  return { ...(JSON.parse(out) as Result), status };
}

describe('latency', () => {
  const [BEFORE, STALL] = [500, 400];
  /** The turns of the event loop from when a message is due until its answer is read: send, read, timer, read, and one begun. */
  const TURNS = 5;

  /** A server that holds back all answers from 500 to 900 ms after its first message, and otherwise for 4 ms. */
  async function stalling() {
    let first: number | undefined;
    /** How long the stall was, and how long a message was held at most, by the clock of the server. */
    const planted = { stall: 0, held: 0, noise: 0 };
    // The longest time that some turns of this thread took, such as those from when a message is due until its answer is read.
    const begun: number[] = [];
    const turns = setInterval(() => {
      begun.push(performance.now());
      const [first, last] = [begun.at(-1 - TURNS), begun.at(-1)!];
      if (first !== undefined) planted.noise = Math.max(planted.noise, last - first);
    }, 1);
    onTestFinished(() => clearInterval(turns));
    const url = await serverThat((websocket) =>
      websocket.on('message', (data) => {
        const now = performance.now();
        first ??= now;
        const [begin, end] = [first + BEFORE, first + BEFORE + STALL];
        const isHeld = now >= begin && now < end;
        const answer = (): void => {
          if (isHeld) planted.stall = Math.max(planted.stall, performance.now() - begin);
          planted.held = Math.max(planted.held, performance.now() - now);
          websocket.send(data);
        };
        setTimeout(answer, isHeld ? end - now : 4);
      }),
    );
    return { url, planted };
  }

  /** 5 % of the stall either way, and by as much as the turns of this thread took, where others have the machine. */
  const isAbout = (ms: number, planted: number, noise: number): void => {
    expect(Math.abs(ms - planted)).toBeLessThan(STALL * 0.05 + noise);
  };

  it('of an open loop counts a stall for every message that it held up', async () => {
    const { url, planted } = await stalling();
    const [RATE, DURATION] = [200, 1400];
    const given = ['--warmup', '100ms', '--duration', `${DURATION}ms`, '--connections', '4'];
    const { latency, messages, errors, status, late } = await measure(url, '--rate', String(RATE), ...given);
    expect([status, errors, latency.isCorrected]).toEqual([0, {}, true]);
    expect(latency.count).toBe((RATE * DURATION) / 1000);
    const { noise } = planted;
    // Those sent are counted from when this thread sees the time begin until it sees it end.
    expect(Math.abs(messages.sent - latency.count)).toBeLessThanOrEqual(2 + (RATE * noise) / 1000);
    // Messages are due all the time, and those of the stall wait for its end: a share of all that is known.
    isAbout(latency.max, planted.stall, noise);
    isAbout(latency.p99, planted.stall - 0.01 * DURATION, noise);
    isAbout(latency.p90, planted.stall - 0.1 * DURATION, noise);
    expect(latency.p50).toBeLessThan(STALL / 4 + noise);
    expect(late!.count).toBeGreaterThan(0);
  });

  it('of a closed loop counts it once for each message under way, and says so', async () => {
    const { url, planted } = await stalling();
    const given = ['--warmup', '100ms', '--duration', '1400ms', '--connections', '2', '--size', '20000'];
    const { out } = await run(url, ...given, '--workers', '1', '--depth', '3', '--json', fileOf('closed.json'));
    const { latency, late } = JSON.parse(readFileSync(fileOf('closed.json'), 'utf8')) as Result;
    const held = latency.buckets.filter(([ms]) => ms > STALL / 2).reduce((sum, [, count]) => sum + count, 0);
    expect([held, latency.isCorrected, late]).toEqual([6, false, undefined]);
    isAbout(latency.max, planted.held, planted.noise);
    expect(latency.p90).toBeLessThan(STALL / 4 + planted.noise);
    expect(out).toContain('without correction: --rate measures as users see it');
  });

  it('is a planted delay, and the rate of a closed loop follows from it', async () => {
    const DELAY = 40;
    const url = await serverThat((websocket) =>
      websocket.on('message', (data) => setTimeout(() => websocket.send(data), DELAY)),
    );
    const given = ['--warmup', '0', '--duration', '600ms', '--connections', '5', '--depth', '4'];
    const { latency, messages } = await measure(url, ...given);
    expect(latency.min).toBeGreaterThan(DELAY - 2);
    expect(latency.p50).toBeLessThan(2 * DELAY);
    expect(messages.perSecond).toBeGreaterThan((5 * 4 * 1000) / (2 * DELAY));
    expect(messages.perSecond).toBeLessThanOrEqual((5 * 4 * 1000) / (DELAY - 2));
  });
});

describe('messages', () => {
  /** What the server got: each different message, whether it was binary, and how many there were. */
  async function received(options: ServerOptions, ...args: string[]) {
    const seen = { count: 0, bytes: 0, different: new Set<string>(), kinds: new Set<boolean>() };
    const url = await serverThat((websocket) => {
      websocket.on('message', (data: Buffer, binary) => {
        seen.count++;
        seen.bytes += data.length;
        seen.different.add(data.toString('latin1'));
        seen.kinds.add(binary);
        websocket.send(data, { binary });
      });
    }, options);
    const result = await measure(url, '--warmup', '0', '--duration', '500ms', '--connections', '3', ...args);
    expect(result.errors).toEqual({});
    expect([result.messages.answered, result.messages.sent]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(seen.count).toBeGreaterThanOrEqual(result.messages.answered);
    expect(result.latency.count).toBe(seen.count);
    return { ...seen, result };
  }

  it('have the size and the kind that is asked for, and bytes are those on the wire', async () => {
    const { different, kinds, count, result } = await received({}, '--size', '300', '--depth', '8');
    expect([[...different].map(({ length }) => length), [...kinds]]).toEqual([[300], [false]]);
    // 4 bytes of header out and in, and a masking key out.
    expect(result.bytes.sent).toBe(result.messages.sent * 308);
    expect(Math.abs(result.bytes.received - count * 304)).toBeLessThan(304 * 8 * 3 + 1);
    expect((await received({}, '--size', '0')).bytes).toBe(0);
    expect([...(await received({}, '--binary', '--size', '70000')).kinds]).toEqual([true]);
  });

  it('are the file, or its lines by turns', async () => {
    writeFileSync(fileOf('lines.txt'), 'one\ntwo\nthrée\n');
    const whole = await received({}, '--payload', fileOf('lines.txt'));
    expect([...whole.different]).toEqual([readFileSync(fileOf('lines.txt'), 'latin1')]);
    const lines = await received({}, '--payload', fileOf('lines.txt'), '--lines');
    expect([...lines.different].map((line) => Buffer.from(line, 'latin1').toString()).sort()).toEqual([
      'one',
      'thrée',
      'two',
    ]);
  });

  it('are compressed where the server agrees', async () => {
    for (const perMessageDeflate of [{ threshold: 0 }, { threshold: 0, clientNoContextTakeover: true }, false]) {
      const { different, result } = await received({ perMessageDeflate }, '--deflate', '--size', '5000');
      expect([...different].map(({ length }) => length)).toEqual([5000]);
      expect(result.connections.compressed).toBe(perMessageDeflate === false ? 0 : 3);
      const each = result.bytes.sent / result.messages.sent;
      if (perMessageDeflate === false) expect(each).toBe(5008);
      else expect(each).toBeLessThan(4000);
    }
  });
});

describe('connections', () => {
  it('carry the fields of the command line, and open at the rate that is asked for', async () => {
    const times: number[] = [];
    let fields: IncomingMessage | undefined;
    const url = await serverThat(
      (websocket, number, request) => {
        times.push(performance.now());
        fields = request;
        echo(websocket, number, request);
      },
      { handleProtocols: () => 'chat' },
    );
    const given = [
      '--header',
      'X-One: 1',
      '--header',
      'x-one: 2',
      '--origin',
      'http://here',
      '--protocol',
      'chat',
      '--connect-rate',
      '50',
    ];
    const load = ['--warmup', '0', '--duration', '50ms', '--connections', '21'];
    const { connections } = await measure(`${url}room?x=1`, ...load, ...given);
    expect(fields!.url).toBe('/room?x=1');
    expect(fields!.headers).toMatchObject({ 'x-one': '1, 2', origin: 'http://here', 'sec-websocket-protocol': 'chat' });
    expect(connections.count).toBe(21);
    const span = times.at(-1)! - times[0];
    // The first one may be seen late, and the last one too.
    expect(span).toBeGreaterThan(300);
    expect(span).toBeLessThan(1500);
  });

  it('go through a Unix socket', async () => {
    const server = createServer();
    const path = fileOf('socket');
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', echo);
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    const given = ['--unix', path, '--warmup', '0', '--duration', '500ms', '--connections', '2'];
    expect((await measure('ws://localhost/', ...given)).messages.answered).toBeGreaterThan(0);
  });
});

describe('errors', () => {
  it('are counted by kind: refusals, closes, violations, answers that do not come or were not asked for', async () => {
    let asked = 0;
    const url = await serverThat(
      (websocket, number) => {
        websocket.on('message', (data) => {
          if (number === 0) websocket.close(4000);
          if (number === 1)
            (websocket as unknown as { _socket: NodeJS.WritableStream })._socket.write('\xf1\x00', 'latin1');
          if (number === 2) websocket.terminate();
          if (number === 4) websocket.send(data);
          if (number > 3) websocket.send(data);
        });
      },
      { verifyClient: () => ++asked % 4 !== 0 },
    );
    const given = ['--warmup', '0', '--duration', '100ms', '--connections', '8', '--timeout', '150ms'];
    const { errors, connections, status } = await measure(url, ...given, '--connect-rate', '200');
    expect(errors).toEqual({
      'Unexpected server response: 401': 2,
      'closed with 4000': 1,
      WS_ERR_UNEXPECTED_RSV_2_3: 1,
      'closed with 1006': 1,
      'message without an answer': 4,
      'answer without a message': expect.any(Number) as number,
    });
    expect([connections.count, status]).toEqual([6, 1]);
  });

  it('a message before the first is no answer to that', async () => {
    const url = await serverThat((websocket, number, request) => {
      websocket.send('welcome');
      echo(websocket, number, request);
    });
    const given = ['--warmup', '0', '--duration', '200ms', '--connections', '2', '--rate', '100'];
    const { errors, latency } = await measure(url, ...given);
    expect(errors).toEqual({ 'answer without a message': 2 });
    expect(latency.count).toBe(20);
  });

  it('do not end a run that goes on with others, and limits decide on the exit status', async () => {
    const url = await serverThat((websocket, number, request) => {
      if (number === 0) websocket.close(1001);
      else echo(websocket, number, request);
    });
    const given = [url, '--warmup', '0', '--duration', '100ms', '--connections', '3', '--workers', '1'];
    const kept = await run(...given, '--max-errors', '1', '--min-rate', '1', '--max-p99', '5000');
    expect([kept.status, kept.out]).toEqual([0, expect.stringContaining('1 x closed with 1001 (an end goes away)')]);
    const { status, err } = await run(...given, '--min-rate', '1000000000', '--max-p50', '0');
    expect(status).toBe(1);
    expect(err).toMatch(/^p50 is .+, above --max-p50 0 ms\.\n.+ are below --min-rate 1,000,000,000\.\n/);
  });

  it('of a worker that loses all its connections stay in the seconds of the others', async () => {
    const url = await serverThat((websocket, number, request) => {
      echo(websocket, number, request);
      if (number === 1) websocket.once('message', () => setTimeout(() => websocket.close(1001), 1300));
    });
    // Messages that were under way when the connection closed are errors too.
    const load = ['--rate', '200', '--warmup', '0', '--duration', '2500ms', '--max-errors', '50'];
    const { status, out } = await run('--json', url, '--connections', '2', '--workers', '2', ...load);
    const { seconds, messages, errors } = JSON.parse(out) as Result;
    expect([status, errors['closed with 1001']]).toEqual([0, 1]);
    // The close falls into the second second, unless other work delays it.
    expect(seconds.map(({ open, errors }) => open + errors)).toEqual([2, 2, 2]);
    expect(seconds.at(-1)).toMatchObject({ open: 1, errors: 1 });
    const all = seconds.reduce((sum, { answered }) => sum + answered, 0);
    expect(Math.abs(all - messages.answered)).toBeLessThan(10);
  });

  it('of an open loop count the messages under way on a lost connection, and do not slow the others', async () => {
    let received = 0;
    const url = await serverThat((websocket, number, request) => {
      if (number !== 0) echo(websocket, number, request);
      else websocket.on('message', () => ++received === 10 && websocket.close(4000));
    });
    const load = ['--rate', '100', '--connections', '2', '--warmup', '0', '--duration', '1s'];
    const { errors, latency } = await measure(url, ...load);
    expect(Object.keys(errors)).toEqual(['closed with 4000', 'message without an answer']);
    expect(errors['message without an answer']).toBeGreaterThanOrEqual(10);
    expect(latency.count).toBe(50);
    expect(errors['message without an answer']).toBeLessThanOrEqual(50);
  });

  it('end the run at once where they leave no connection, also in the warm-up', async () => {
    const url = await serverThat((websocket) => websocket.once('message', () => websocket.close(1001)));
    const begun = performance.now();
    const { errors, measured, status } = await measure(url, '--connections', '2', '--warmup', '8s', '--duration', '8s');
    expect(performance.now() - begun).toBeLessThan(4000);
    expect([status, measured, errors['closed with 1001']]).toEqual([1, 0, 2]);
  });
});

describe('an interruption', () => {
  it('while the server does not answer ends the run at once', async () => {
    const interruption = new AbortController();
    const silent = createNetServer((socket) => {
      onTestFinished(() => void socket.destroy());
      socket.once('data', () => interruption.abort());
    });
    onTestFinished(() => void silent.close());
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const terminal = { out: () => expect.unreachable(), err: () => {}, columns: undefined };
    const given = [String(port), '--workers', '1', '--timeout', '60s'];
    await expect(bench(given, terminal, interruption.signal, hireHere)).rejects.toThrow(
      /^Ended before a message was sent\.$/,
    );
  });

  it('of the warm-up leaves nothing to report', async () => {
    const interruption = new AbortController();
    const url = await serverThat((websocket, number, request) => {
      echo(websocket, number, request);
      websocket.once('message', () => interruption.abort());
    });
    const terminal = { out: () => expect.unreachable(), err: () => {}, columns: undefined };
    await expect(
      bench([url, '--warmup', '2s', '--workers', '1'], terminal, interruption.signal, hireHere),
    ).rejects.toThrow(/^Ended in the warm-up: nothing was measured\.$/);
  });

  it('ends the wait for the answers of a server that gives none', async () => {
    const interruption = new AbortController();
    const url = await serverThat((websocket) => websocket.once('message', () => interruption.abort()));
    let err = '';
    const terminal = { out: () => {}, err: (text: string) => void (err += text), columns: undefined };
    const given = [url, '--warmup', '0', '--workers', '1', '--connections', '2', '--timeout', '60s'];
    await expect(bench(given, terminal, interruption.signal, hireHere)).resolves.toBe(1);
    expect(err).toContain('2 errors: above --max-errors 0.');
  });

  it('of the measured time leaves a report of what was measured', async () => {
    const interruption = new AbortController();
    const url = await serverThat((websocket, number, request) => {
      echo(websocket, number, request);
      websocket.once('message', () => setTimeout(() => interruption.abort(), 400));
    });
    let out = '';
    const terminal = { out: (text: string) => void (out += text), err: () => {}, columns: undefined };
    const given = [url, '--json', '--warmup', '0', '--workers', '1'];
    await expect(bench(given, terminal, interruption.signal, hireHere)).resolves.toBe(0);
    const { measured, messages } = JSON.parse(out) as Result;
    expect(measured).toBeGreaterThan(300);
    expect(measured).toBeLessThan(4000);
    expect(messages.answered).toBeGreaterThan(0);
  });
});

describe('reports', () => {
  it('show figures and a histogram, write a page, and compare with an earlier result', async () => {
    const url = await serverThat(echo);
    const given = [url, '--warmup', '0', '--duration', '100ms', '--connections', '2', '--workers', '1'];
    const [json, html] = [fileOf('result.json'), fileOf('result.html')];
    const first = await run(...given, '--json', json);
    expect(first.out).toMatch(/2 connections, 1 deep, 125 B text, 1\d\d ms, 1 worker\n\nmessages +[\d,]+\/s/);
    expect(first.out).toMatch(/p50 +p90 +p99 +p99\.9 +p99\.99 +max/);
    expect(first.out).toMatch(/ - .*█+ +\d+\.\d+ %/);
    const result = JSON.parse(readFileSync(json, 'utf8')) as Result;
    const quick = { ...result, latency: { ...result.latency, p50: 1e-6, p90: 1e-6 } };
    writeFileSync(fileOf('quick.json'), JSON.stringify(quick));
    const second = await run(
      ...given,
      '--html',
      html,
      '--compare',
      fileOf('quick.json'),
      '--max-worse',
      '50',
      '--depth',
      '2',
    );
    expect(second.status).toBe(1);
    expect(second.err).toMatch(/p50 is .+ % worse: above --max-worse 50 %/);
    expect(second.out).toContain('The settings differ: depth 1, now 2.');
    const page = readFileSync(html, 'utf8');
    expect(page.match(/<svg /g)!.length).toBeGreaterThanOrEqual(2);
    expect(page).not.toMatch(/<script|src=|https?:/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('fit into a narrow terminal', async () => {
    const url = await serverThat(echo);
    const json = fileOf('narrow.json');
    await run(url, '--warmup', '0', '--duration', '100ms', '--connections', '2', '--workers', '1', '--json', json);
    const result = JSON.parse(readFileSync(json, 'utf8')) as Result;
    const { writeReport } = await import('../../../src/cli/load/terminal-report.js');
    for (const columns of [40, 60, 80]) {
      const lines = writeReport(result, undefined, columns).split('\n');
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
      expect(lines.join('\n')).toContain(` ${'█'.repeat(Math.min(columns - 28, 40))} `);
    }
  });

  it('have a column for each server where a row for each would not fit', () => {
    const figures = { perSecond: 1000, lowest: 900, highest: 1100, p50: 1, p99: 2, micros: 10 };
    const contenders = ['wsimd', 'ws'].map((name) => ({ ...figures, name }) as unknown as Contender);
    expect(contenderTable(contenders)).toMatch(/^server  messages\/s .*\nwsimd .*\nws .* 1\.00x\n$/);
    const narrow = contenderTable(contenders, 40);
    expect(narrow).toMatch(/^server +wsimd +ws\nmessages\/s +1,000 +1,000\n[^]*\nwsimd is +1\.00x\n$/);
    expect(Math.max(...narrow.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  it('name the load itself where it may be the slow one', async () => {
    const { warnings } = await import('../../../src/cli/load/terminal-report.js');
    const settings = { workers: 1 } as Result['settings'];
    const latency = { count: 1 } as Result['latency'];
    const durations = { p99: 3 } as Result['connections'];
    const load = { busy: 0.95, microsPerMessage: 1 };
    expect(warnings({ settings, latency, load, late: durations }).join()).toContain('3.00 ms or more after their time');
    expect(warnings({ settings, latency, load }).join()).toContain('busy for 95.0 % of the time');
    expect(warnings({ settings, latency, load: { ...load, busy: 0.5 } })).toEqual([]);
  });
});

describe('mistakes', () => {
  const HERE = 'ws://127.0.0.1:1';
  it.each([
    [[], /^wsimd bench takes one URL/],
    [[HERE, HERE], /^wsimd bench takes one URL/],
    [['--nonsense'], /^wsimd bench: Unknown option '--nonsense'; the options are in wsimd bench --help\.$/],
    [[HERE, '--conections', '5'], /^wsimd bench: Unknown option '--conections'; --connections is an option\.$/],
    [[HERE, '--warm-up=5'], /^wsimd bench: Unknown option '--warm-up'; --warmup is an option\.$/],
    [['ftp://here'], /^URL is an address such as ws:\/\/127\.0\.0\.1:9001, not "ftp:\/\/here"\.$/],
    [['ws://'], /^URL is an address such as .*, not "ws:\/\/"\.$/],
    [['foo'], /^URL is an address such as .*, not "foo"; a host of this name is given as ws:\/\/foo\.$/],
    [['1'], /^Cannot connect to ws:\/\/127\.0\.0\.1:1: ECONNREFUSED\.$/],
    [[HERE, '--unix', '/no/such/socket'], /^Cannot connect to \/no\/such\/socket: ENOENT\.$/],
    [[HERE, '--insecure'], /^--insecure is for wss\.$/],
    [[HERE, '--connections', '0'], /^--connections takes a whole number from 1 to/],
    [[HERE, '--depth', '2', '--rate', '5'], /^--depth and --rate exclude each other/],
    [[HERE, '--duration', 'long'], /^--duration takes a time from 1ms to 24 days, such as .*, not "long"\.$/],
    [[HERE, '--size', '1', '--payload', 'x'], /^--size and --payload exclude each other\.$/],
    [[HERE, '--payload', 'no-such-file'], /^Cannot read no-such-file: ENOENT/],
    [[HERE, '--json', 'x.txt'], /^The name of the file for --json ends in \.json, unlike "x\.txt"\.$/],
    [['1', '--json', 'x.txt'], /^The name of the file for --json ends in \.json, unlike "x\.txt"\.$/],
    [[HERE, '--json', '/no/such/directory/x.json'], /^Cannot write \/no\/such\/directory\/x\.json: ENOENT/],
    [[HERE, '--html', directory], /^Cannot write .*: it is a directory\.$/],
    [[HERE, '--lines'], /^--lines goes with --payload/],
    [[HERE, '--header', 'none'], /^--header takes 'NAME: VALUE', not "none"\.$/],
    [[HERE, '--header', 'X: a\nb'], /^--header takes 'NAME: VALUE', not "X: a\\nb"\.$/],
    [[HERE, '--origin', 'a\r\nb'], /^--origin takes an origin, such as .*, not "a\\r\\nb"\.$/],
    [[HERE, '--protocol', 'a b'], /^--protocol takes names of subprotocols, each once, not "a b"\.$/],
    [[HERE, '--protocol', 'a', '--protocol', 'a'], /^--protocol takes names of subprotocols, each once, not "a"\.$/],
    [[HERE, '--compare', 'LICENSE'], /^LICENSE holds no result of wsimd bench/],
    [[HERE, '--max-p99', 'fast'], /^--max-p99 takes a number from 0, not "fast"\.$/],
    [[HERE, '--max-worse', '5'], /^--max-worse goes with --compare/],
    [[HERE, '--compare', 'package.json'], /^package\.json holds no result of wsimd bench/],
    [['--against', 'ws,nonsense'], /^--against knows wsimd, ws, uws, bun, not "nonsense"\.$/],
    [['--against', 'ws', HERE], /^--against starts its own servers/],
    [['--against', 'ws', '--max-p99', '0'], /^--max-p99 goes with a URL/],
    [['--against', 'ws', '--compare', 'x.json'], /^--compare goes with a URL/],
    [['--against', 'ws', '--header', 'A: b'], /^--header goes with a URL/],
    [['--against', 'ws', '--insecure'], /^--insecure goes with a URL/],
    [[HERE, '--rounds', '2'], /^--rounds is for --against/],
    [[HERE], /^Cannot connect to ws:\/\/127\.0\.0\.1:1: ECONNREFUSED\.$/],
  ])('%j is refused in one sentence', async (args, sentence) => {
    await expect(run(...args)).rejects.toThrow(
      expect.objectContaining({ name: 'CommandError', message: expect.stringMatching(sentence) as string }),
    );
  });

  it.each<[string, object]>([
    ['no member of it', {}],
    ['figures of another shape', { startedAt: '', settings: {}, messages: { perSecond: 1 }, latency: { p50: '1' } }],
    ['no figures', { startedAt: '', settings: {}, messages: {}, latency: { buckets: [] } }],
  ])('names a file to compare with that has %s, before the load', async (_, members) => {
    const file = fileOf('other.json');
    writeFileSync(file, JSON.stringify({ format: 'wsimd bench 1', ...members }));
    await expect(run(HERE, '--compare', file)).rejects.toThrow(
      expect.objectContaining({
        name: 'CommandError',
        message: `${file} lacks some of what wsimd bench URL --json FILE writes.`,
      }),
    );
  });

  it('says that a server without TLS does not fit wss:', async () => {
    const url = await serverThat(echo);
    await expect(run(url.replace('ws', 'wss'), '--connections', '1')).rejects.toThrow(
      /^Cannot connect to wss:.*: nothing speaks TLS there, so that wss: does not fit\.$/,
    );
  });

  it('says what to do about a certificate that nothing vouches for', async () => {
    const server = createTlsServer({ cert: CERTIFICATE, key: KEY });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `wss://127.0.0.1:${(server.address() as { port: number }).port}`;
    await expect(run(url, '--connections', '1')).rejects.toThrow(
      /^Cannot connect to wss:.+; --insecure takes any certificate\.$/,
    );
  });

  it('says that a server did not answer', async () => {
    const server = createNetServer((socket) => socket.on('data', () => socket.end()));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
    await expect(run(url, '--connections', '1')).rejects.toThrow(
      `Cannot connect to ${url}: the connection ended before an answer; a server that speaks TLS takes wss:.`,
    );
  });

  it('a Host of --header stands in place of the usual one', async () => {
    const hosts: (string | undefined)[] = [];
    const url = await serverThat((websocket, number, request) => {
      hosts.push(request.headers.host);
      echo(websocket, number, request);
    });
    await run(url, '--connections', '1', '--warmup', '0', '--duration', '20ms', '--header', 'Host: there');
    expect(hosts).toEqual(['there']);
  });

  it('the guide names only options that there are', async () => {
    const { out } = await run('--help');
    const guide = readFileSync(new URL('../../../docs/load-tests.md', import.meta.url), 'utf8');
    const named = [...guide.matchAll(/--[a-z][\w.-]*\w/g)].map(([option]) => option);
    expect(named.length).toBeGreaterThan(20);
    expect([...new Set(named)].filter((option) => !out.includes(option) && option !== '--help')).toEqual([]);
  });

  it('--help names every option', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    const source = readFileSync(new URL('../../../src/cli/load/settings.ts', import.meta.url), 'utf8');
    const [, options] = /const OPTIONS = \{([^]*?)\n\} as const/.exec(source)!;
    for (const [, name] of options.matchAll(/^ {2}'?([\w.-]+)'?:/gm))
      if (name !== 'help') expect(out).toContain(`--${name}`);
  });
});

describe('the program', () => {
  function program(...args: string[]) {
    if (!existsSync(PROGRAM)) console.log('not run: dist/ is not built');
    return existsSync(PROGRAM)
      ? spawnSync(process.execPath, [PROGRAM, 'bench', ...args], { encoding: 'utf8' })
      : undefined;
  }

  it('compares known servers by more than one worker, and leaves out those that are not there', () => {
    const given = ['--warmup', '0', '--duration', '500ms', '--rounds', '1', '--connections', '4', '--workers', '2'];
    const ended = program('--against', 'ws,uws', ...given, '--html', fileOf('against.html'));
    if (ended === undefined) return;
    expect(ended.stdout).toMatch(/server +messages\/s.*\nwsimd .*\nws 8\.\d+\.\d+ .*x\n/);
    expect(ended.stderr).toContain('uws is left out: npm install uwebsockets puts it here.');
    expect(ended.status).toBe(0);
    expect(readFileSync(fileOf('against.html'), 'utf8')).toContain('uws is left out');
  });
});
