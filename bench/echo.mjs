// `npm run bench:echo`: servers beside each other under the same load, each in a process of its own, in interleaved rounds;
// the metric is the server's processor time per message. `-- --grid` measures the whole grid, a cell at a time, and goes on
// where it was stopped; `-- --growth` measures this server alone, from 1 to 10,000 connections and from 16 B to 16 MiB.
// Writes bench/results/echo-node<version>.json (grid-, growth-). Needs a build.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GRID, GROWTH, TABLE } from './lib/cells.mjs';
import { benchConnecting, FLOOR } from './lib/connecting.mjs';
import { findBun, findUWebSockets, isThere, pinning, start } from './lib/programs.mjs';
import { makeRow, openResults } from './lib/results.mjs';
import { summarize } from './lib/rounds.mjs';
import { measureSides as measure } from './lib/sides.mjs';
import { isSmoke, only } from './lib/times.mjs';

const work = ['grid', 'growth'].find((each) => process.argv.includes(`--${each}`)) ?? 'echo';
const isGrid = work === 'grid';
const ROUNDS = isSmoke ? 1 : isGrid ? 7 : 11;
/** One message at a time spreads most: waking and sleeping of two processes is much of it. */
const SINGLE_ROUNDS = isSmoke ? 1 : isGrid ? 7 : 15;
/** A client is started anew for each of its rounds. */
const CLIENT_ROUNDS = isSmoke ? 1 : 5;
/** Seconds of load before each measurement, the first one of a server longer, and of the measurement itself. */
const WARM_UP = 0.1;
const FIRST_WARM_UP = isSmoke ? 0.2 : isGrid ? 0.6 : 0.7;
const SECONDS = 0.2;
/** The same for a client, and for the counting of system calls. */
const LONG_SECONDS = isSmoke ? 0.2 : 0.5;
const IDLE_CONNECTIONS = isSmoke ? 200 : 10_000;
/** The engine gives back the young generation that handshakes made it take once it has had little to do for 5 s. */
const IDLE_SECONDS = isSmoke ? 0.2 : 6;

const results = openResults(work, work === 'echo' ? 'npm run bench:echo' : `npm run bench:echo -- --${work}`);
results.note(pinning);
const uws = findUWebSockets();
if (uws.reason !== undefined) results.note(uws.reason);

const DATA_PATH = "wsimd, 'data' path";
const STREAM_PATH = 'wsimd, written to the stream';

/** Every server there is: its program, how it is started, and which cells it is left out of. */
const SERVERS = {
  wsimd: { file: 'servers/wsimd.mjs' },
  [DATA_PATH]: { file: 'servers/wsimd.mjs', env: { WSIMD_READ_PATH: 'data' } },
  [STREAM_PATH]: { file: 'servers/wsimd.mjs', env: { WSIMD_WRITE_PATH: 'stream' }, isLeftOut: needsHandle },
  'wsimd, JavaScript twin': {
    file: 'servers/wsimd.mjs',
    flags: ['--import', new URL('servers/without-webassembly.mjs', import.meta.url).href],
  },
  ws: { file: 'servers/ws.mjs', env: { WS_NO_BUFFER_UTIL: '1' } },
  'ws + bufferutil': { file: 'servers/ws.mjs' },
  ...(uws.module === undefined
    ? {}
    : {
        'uWebSockets.js': {
          file: 'servers/uwebsockets.mjs',
          settings: { module: uws.module },
          // It closes connections there, or ends them with a TLS alert.
          isLeftOut: ({ depth, length, tls }) => tls !== undefined && depth * length >= 1024 * 1024,
        },
      }),
  'raw TCP': { file: 'servers/raw.mjs', isRaw: true },
  'raw TCP, own buffer': {
    file: 'servers/raw.mjs',
    settings: { ownBuffer: true },
    isRaw: true,
    isLeftOut: needsHandle,
  },
  'raw TCP, own buffer, to the handle': {
    file: 'servers/raw.mjs',
    settings: { ownBuffer: true, toHandle: true },
    isRaw: true,
    isLeftOut: needsHandle,
  },
};
const WS = ['ws', 'ws + bufferutil'];
const UWS = ['uWebSockets.js'];
/** The floor of what a server on node:net can take. */
const RAW = 'raw TCP, own buffer, to the handle';

const load = await start('load.mjs', { core: 1 });
try {
  if (isGrid) await benchGrid();
  else if (work === 'growth') await benchGrowth();
  else {
    await benchTable();
    await benchBroadcast();
    await benchClient();
    await benchComing();
    await benchMemory();
    await benchSyscalls();
  }
} finally {
  await load.stop();
}
results.write();

/** Reading into a buffer of one's own and writing to the handle are for sockets of node:net, and count one message at a time. */
function needsHandle({ depth, tls }) {
  return depth > 1 || tls !== undefined;
}

function startServer(name, settings) {
  const server = SERVERS[name];
  return start(server.file, { core: 0, ...server, settings: { ...server.settings, ...settings } });
}

/** @param {{ name: string, running: object, wanted: object }[]} sides */
function measureSides(sides, rounds = ROUNDS) {
  return measure(load, sides, { rounds, firstWarmUp: FIRST_WARM_UP, warmUp: WARM_UP, seconds: SECONDS });
}

/** One cell: all servers under the same load. */
async function measureCell(cell) {
  const { connections, length, depth, kind, tls } = cell;
  const sides = [];
  const wireLength = length + (length < 126 ? 6 : length < 0x10000 ? 8 : 14);
  try {
    for (const [name, { isRaw, isLeftOut }] of Object.entries(SERVERS)) {
      if (isLeftOut?.(cell)) continue;
      const running = await startServer(name, { work: 'echo', wireLength, tls });
      const mode = isRaw ? 'raw' : 'echo';
      sides.push({ name, running, wanted: { mode, connections, length, depth, kind, tls: tls !== undefined } });
    }
    return await measureSides(sides, depth === 1 ? SINGLE_ROUNDS : ROUNDS);
  } finally {
    await Promise.all(sides.map(({ running }) => running.stop()));
  }
}

async function benchTable() {
  const table = results.table('Echo', "microseconds of the server's processor time per message");
  for (const { targets, ...cell } of TABLE) {
    const label = labelOf(cell);
    if (!label.includes(only)) continue;
    const figures = await measureCell(cell);
    const [ws, uWebSockets, dataPath] = targets;
    table.add(
      makeRow(label, figures, [
        { against: WS, atLeast: ws },
        { against: UWS, atLeast: uWebSockets },
        { of: DATA_PATH, against: WS, atLeast: dataPath },
        { of: 'wsimd, JavaScript twin', against: WS },
        { of: 'raw TCP', against: WS },
        { of: RAW, against: WS },
        { of: RAW, against: UWS },
      ]),
    );
  }
}

/** The grid goes to a file a cell at a time; cells that are there already are not measured again. */
async function benchGrid() {
  const directory = new URL(`results/grid/node${process.versions.node}/`, import.meta.url);
  mkdirSync(directory, { recursive: true });
  if (uws.module !== undefined)
    results.note('uWebSockets.js is left out of TLS with 1 MiB at once, where it ends connections');
  const tables = new Map();
  const keys = mkdtempSync(join(tmpdir(), 'wsimd-bench-'));
  try {
    for (const cell of GRID) {
      const label = labelOf(cell);
      if (!label.includes(only)) continue;
      const file = new URL(`${label.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.json`, directory);
      let figures;
      if (existsSync(file)) {
        figures = JSON.parse(readFileSync(file, 'utf8'));
      } else {
        const tls = cell.isTls ? makeCertificate(keys) : undefined;
        if (cell.isTls && tls === undefined) continue;
        figures = await measureCell({ ...cell, tls });
        if (!isSmoke) writeFileSync(file, JSON.stringify(figures));
      }
      const title = cell.isTls ? 'Echo over TLS' : `Echo, ${cell.kind}`;
      if (!tables.has(title))
        tables.set(title, results.table(title, "microseconds of the server's processor time per message"));
      tables.get(title).add(makeRow(label, figures, [{ against: WS }, { against: UWS }]));
    }
  } finally {
    rmSync(keys, { recursive: true });
  }
}

/** Cost as work grows: no cell may be out of line with its neighbours. */
async function benchGrowth() {
  const table = results.table(
    'Echo of one message at a time',
    "microseconds of the server's processor time per message",
  );
  for (const { length, connections } of GROWTH) {
    const running = await startServer('wsimd', { work: 'echo' });
    try {
      const sides = connections.map((count) => {
        const wanted = { mode: 'echo', connections: count, length, depth: 1, kind: 'ascii' };
        return { name: `${count} connection${count === 1 ? '' : 's'}`, running, wanted };
      });
      table.add(makeRow(sizeOf(length), await measureSides(sides), []));
    } finally {
      await running.stop();
    }
  }
}

async function benchBroadcast() {
  const table = results.table(
    'One message to 500 connections, 125 B',
    "microseconds of the server's processor time per delivery",
  );
  for (const burst of [1, 8]) {
    const label = `${burst} a tick`;
    if (!`broadcast ${label}`.includes(only)) continue;
    const wanted = { mode: 'fan-out', connections: isSmoke ? 50 : 500, length: 125, depth: burst };
    const sides = [];
    try {
      for (const [name, server, work] of [
        ['wsimd', 'wsimd', 'broadcast'],
        ['wsimd, a loop of sends', 'wsimd', 'loop'],
        ['ws', 'ws', 'loop'],
        ['uWebSockets.js', 'uWebSockets.js', 'broadcast'],
        [RAW, RAW, 'broadcast'],
      ]) {
        if (!(server in SERVERS)) continue;
        sides.push({ name, running: await startServer(server, { work, burst, length: 125 }), wanted });
      }
      const targets = burst === 8 ? [7, 0.6] : [];
      table.add(
        makeRow(label, await measureSides(sides), [
          { against: WS, atLeast: targets[0] },
          { against: UWS, atLeast: targets[1] },
          { of: RAW, against: WS },
          { of: RAW, against: UWS },
        ]),
      );
    } finally {
      await Promise.all(sides.map(({ running }) => running.stop()));
    }
  }
}

/** Connections that come and go, one after another and all at once. */
async function benchComing() {
  const echo = (name) => [name, () => startServer(name, { work: 'echo' })];
  const servers = [echo('wsimd'), echo('ws'), echo('uWebSockets.js')].filter(([name]) => name in SERVERS);
  servers.push([
    'wsimd, by node:http',
    () => start('servers/wsimd.mjs', { core: 0, settings: { work: 'echo' }, env: { WSIMD_ACCEPT_PATH: 'http' } }),
  ]);
  servers.push([FLOOR, () => start('servers/canned.mjs', { core: 0 })]);
  const bun = findBun();
  if (bun.reason !== undefined) results.note(bun.reason);
  else servers.push(['Bun.serve', () => start('servers/bun.mjs', { core: 0, runtime: bun.runtime })]);
  await benchConnecting(results, servers, { ws: WS, uws: UWS, only });
}

/** Our client and that of `ws` against the fastest server there is. */
async function benchClient() {
  const table = results.table(
    'Clients against one fast server',
    "microseconds of the client's processor time per message",
  );
  const fast = 'uWebSockets.js' in SERVERS ? 'uWebSockets.js' : 'wsimd';
  for (const [connections, depth] of [
    [50, 64],
    [50, 1],
  ]) {
    const label = `client, text 125 B, ${connections} connections, depth ${depth}`;
    if (!label.includes(only)) continue;
    const { file, settings } = SERVERS[fast];
    const server = await start(file, { core: 1, settings: { ...settings, work: 'echo' } });
    const samples = { wsimd: [], 'ws + bufferutil': [] };
    try {
      for (let round = 0; round < CLIENT_ROUNDS; round++) {
        for (const name of Object.keys(samples)) {
          const library = name === 'wsimd' ? 'wsimd' : 'ws';
          const wanted = { library, port: server.port, connections, depth, length: 125, kind: 'ascii' };
          const client = await start('client.mjs', { core: 0, settings: wanted });
          await sleep(FIRST_WARM_UP * 1000);
          const before = await client.ask('usage');
          await sleep(LONG_SECONDS * 1000);
          const after = await client.ask('usage');
          samples[name].push((after.micros - before.micros) / (after.count - before.count));
          await client.stop();
        }
      }
    } finally {
      await server.stop();
    }
    const figures = Object.entries(samples).map(([name, all]) => ({ name, ...summarize(all) }));
    table.add(makeRow(label, figures, [{ against: WS }]));
  }
}

/** Resident memory a connection, when nothing has happened for a while, after a garbage collection. */
async function benchMemory() {
  if (!'memory'.includes(only)) return;
  const table = results.table(
    `Memory of ${IDLE_CONNECTIONS} connections, idle for ${IDLE_SECONDS} s`,
    'KiB of resident memory per connection',
  );
  const samples = {};
  for (let round = 0; round < (isSmoke ? 1 : 3); round++) {
    // What is not compared with another is measured once.
    const names = round === 0 ? ['wsimd', 'ws', 'uWebSockets.js', 'raw TCP'] : ['ws', 'wsimd'];
    const here = names.filter((name) => name in SERVERS);
    for (const { name, each } of await measureIdle(here)) (samples[name] ??= []).push(each);
  }
  const figures = Object.entries(samples).map(([name, all]) => ({ name, ...summarize(all) }));
  // The target is a share of what ws takes: at most 0.85 of it.
  table.add(makeRow('idle', figures, [{ against: ['ws'], atLeast: 1.18 }, { against: UWS }]));
}

async function measureIdle(names) {
  const sides = [];
  const measured = [];
  try {
    for (const name of names) {
      const server = SERVERS[name];
      const settings = { ...server.settings, work: 'echo', wireLength: 22 };
      const running = await start(server.file, { core: 0, ...server, flags: ['--expose-gc'], settings });
      sides.push({ name, running });
      // A first few connections bring in what is needed once.
      await open(name, running, 50);
      await load.ask('close');
    }
    for (const { running } of sides) await running.ask('memory');
    await sleep(IDLE_SECONDS * 1000);
    for (const side of sides) side.before = await side.running.ask('memory');
    for (const { name, running, before } of sides) {
      try {
        await open(name, running, IDLE_CONNECTIONS);
        // How busy the engine was is counted from one garbage collection to the next.
        await running.ask('memory');
        await sleep(IDLE_SECONDS * 1000);
        const after = await running.ask('memory');
        await load.ask('close');
        measured.push({ name, each: (after.resident - before.resident) / IDLE_CONNECTIONS / 1024 });
      } catch (error) {
        results.note(`idle memory of ${name} left out: ${error.message}`);
      }
    }
  } finally {
    await Promise.all(sides.map(({ running }) => running.stop()));
  }
  return measured;
}

function open(name, running, connections) {
  return load.ask({
    open: { name, port: running.port, mode: 'echo', connections, length: 16, depth: 1, kind: 'ascii' },
  });
}

/** System calls that write, per message, counted by strace while 50 connections have 64 messages under way each. */
async function benchSyscalls() {
  if (!'syscalls'.includes(only)) return;
  if (!isThere('strace')) {
    results.note('write system calls left out: strace is missing');
    return;
  }
  const table = results.table('Writes, text 16 B, 50 connections, depth 64', 'write system calls per message');
  const figures = [];
  for (const name of ['wsimd', 'ws', 'uWebSockets.js']) {
    if (!(name in SERVERS)) continue;
    const running = await startServer(name, { work: 'echo' });
    try {
      const group = await load.ask({
        open: { name, port: running.port, mode: 'echo', connections: 50, length: 16, depth: 64, kind: 'ascii' },
      });
      await load.ask({ start: group });
      const each = await countWrites(running);
      if (each === undefined) results.note(`write system calls of ${name} left out: strace may not watch it`);
      else figures.push({ name, ...summarize([each]) });
      await load.ask('close');
    } finally {
      await running.stop();
    }
  }
  if (figures.length > 0) table.add(makeRow('writes', figures, [{ against: ['ws'], atLeast: 60 }]));
}

async function countWrites(running) {
  const calls = 'write,writev,sendto,sendmsg';
  const given = ['-f', '-c', '-e', `trace=${calls}`, '-p', String(running.pid)];
  const strace = spawn('strace', given, { stdio: ['ignore', 'ignore', 'pipe'] });
  let report = '';
  const ended = new Promise((resolve) => strace.once('close', resolve));
  const attached = new Promise((resolve) => {
    strace.stderr.on('data', (octets) => {
      report += octets;
      if (report.includes('attached')) resolve();
    });
  });
  await Promise.race([attached, ended]);
  const before = await running.ask('usage');
  await sleep(LONG_SECONDS * 1000);
  const after = await running.ask('usage');
  strace.kill('SIGINT');
  await ended;
  // % time, seconds, usecs/call, calls, [errors,] name
  const lines = [
    ...report.matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:write|writev|sendto|sendmsg)$/gm),
  ];
  if (lines.length === 0) return undefined;
  return lines.reduce((sum, [, calls]) => sum + Number(calls), 0) / (after.count - before.count);
}

/** A self-signed certificate made for this run, or undefined where there is no openssl. */
function makeCertificate(directory) {
  const tls = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  if (existsSync(tls.cert)) return tls;
  if (!isThere('openssl')) {
    results.note('TLS left out: openssl, which makes a certificate for the run, is missing');
    return undefined;
  }
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...request, '-subj', '/CN=localhost', '-keyout', tls.key, '-out', tls.cert], {
    stdio: 'ignore',
  });
  return tls;
}

function labelOf({ kind, length, connections, depth, isTls }) {
  return `${isTls ? 'TLS, ' : ''}${kind} ${sizeOf(length)}, ${connections} connections, depth ${depth}`;
}

function sizeOf(length) {
  return length >= 1 << 20 ? `${length >> 20} MiB` : length >= 1024 ? `${length >> 10} KiB` : `${length} B`;
}
