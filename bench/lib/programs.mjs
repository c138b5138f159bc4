// Names of programs under bench/servers/ -> running processes, each on a core of its own where `taskset` exists, that
// answer questions about themselves.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const canPin = cpus().length > 1 && isThere('taskset');

/** Whether a command can be run. */
export function isThere(command) {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What a reader should know of where the programs run. */
export const pinning = canPin
  ? 'the measured program runs on core 0 and its peer on core 1 (taskset)'
  : 'taskset or a second core is missing: programs share the cores';

/**
 * Starts a program of bench/.
 * @param {string} file its path under bench/
 * @param {{ core: number, settings?: object, flags?: string[], env?: object, runtime?: string }} options `flags` are for Node,
 *   or for the `runtime` in its place
 */
export async function start(file, { core, settings = {}, flags = [], env = {}, runtime = process.execPath }) {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const node = [...flags, path, JSON.stringify(settings)];
  const [command, given] = canPin ? ['taskset', ['-c', String(core), runtime, ...node]] : [runtime, node];
  const child = spawn(command, given, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  const waiting = [];
  let hasEnded = false;
  child.on('message', (answer) => waiting.shift()?.resolve(answer));
  child.on('exit', (code) => {
    hasEnded = true;
    for (const { reject } of waiting.splice(0)) reject(new Error(`${file} ended with ${code}`));
  });
  const nextAnswer = () =>
    new Promise((resolve, reject) => {
      if (hasEnded) reject(new Error(`${file} has ended`));
      else waiting.push({ resolve, reject });
    });
  const first = await nextAnswer();
  return {
    pid: child.pid,
    port: first.port,
    /** Asks, and returns the one answer. */
    ask(question) {
      const answer = nextAnswer();
      if (!hasEnded) child.send(question);
      return answer;
    },
    async stop() {
      if (hasEnded) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      const kill = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(kill);
    },
  };
}

/**
 * Installs packages of npm on demand into a cache outside the repository, and says whether they work.
 * @param {string[]} packages with their versions
 * @param {() => void} tryOut throws where they do not work
 */
function isInstalled(cache, packages, tryOut) {
  try {
    tryOut();
    return true;
  } catch {
    try {
      mkdirSync(cache, { recursive: true });
      const npm = ['install', '--prefix', cache, '--no-save', '--ignore-scripts', ...packages];
      execFileSync('npm', npm, { stdio: 'ignore', timeout: 120_000 });
      tryOut();
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Where uWebSockets.js lies: npm's `uwebsockets`.
 * @returns {{ module: string } | { reason: string }}
 */
export function findUWebSockets() {
  const version = '3.0.6';
  const cache = join(tmpdir(), `wsimd-bench-uwebsockets-${version}`);
  const module = join(cache, 'node_modules', 'uwebsockets');
  const loads = () =>
    execFileSync(process.execPath, ['-e', 'require(process.argv[1]).App()', module], { stdio: 'ignore' });
  if (isInstalled(cache, [`uwebsockets@${version}`], loads)) return { module };
  const node = process.versions.node;
  return {
    reason: `uWebSockets.js left out: npm's uwebsockets@${version} cannot be installed, or not loaded by Node ${node}`,
  };
}

/**
 * Where Bun lies: npm's package for Linux on x64.
 * @returns {{ runtime: string } | { reason: string }}
 */
export function findBun() {
  const name = '@oven/bun-linux-x64';
  const version = '1.4';
  const cache = join(tmpdir(), `wsimd-bench-bun-${version}`);
  const runtime = join(cache, 'node_modules', name, 'bin', 'bun');
  const runs = () => execFileSync(runtime, ['--version'], { stdio: 'ignore' });
  if (isInstalled(cache, [`${name}@${version}`], runs)) return { runtime };
  return { reason: `Bun.serve left out: npm's ${name}@${version} cannot be installed, or does not run here` };
}

/**
 * Where two libraries lie that relay messages over Redis too, as a file beside whose `node_modules` they are found.
 * @returns {{ besides: string } | { reason: string }}
 */
export function findRelays() {
  const packages = ['crossws@0.4.17', 'socket.io@4.8.4', '@socket.io/redis-adapter@8.3.0'];
  const cache = join(tmpdir(), 'wsimd-bench-relays-1');
  const besides = join(cache, 'index.js');
  const load = `const { resolve } = require('module').createRequire(process.argv[1]);
    for (const name of ['crossws/sync', 'socket.io', '@socket.io/redis-adapter']) resolve(name);`;
  const resolves = () => execFileSync(process.execPath, ['-e', load, besides], { stdio: 'ignore' });
  if (isInstalled(cache, packages, resolves)) return { besides };
  return { reason: `left out: ${packages.join(', ')} cannot be installed` };
}
