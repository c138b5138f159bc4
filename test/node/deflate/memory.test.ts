// Resident memory, measured in processes of their own that hold nothing but the engines.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compressed } from '../../support/deflate.js';

const MiB = 1024 * 1024;
let directory: string;
let engines: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wsimd-'));
  const file = join(directory, 'engines.mjs');
  const bundle = await rolldown({
    input: fileURLToPath(new URL('../../../src/node/deflate/engines.ts', import.meta.url)),
    platform: 'node',
  });
  await bundle.write({ file, format: 'esm' });
  engines = pathToFileURL(file).href;
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a program with the engines in scope, and `wire`, a compressed message, and returns what it prints as JSON. */
function measure(program: string, wire: Buffer): Record<string, number> & { codes: number[] } {
  const source = `
    import { createDeflater, createInflater } from ${JSON.stringify(engines)};
    import { readFileSync } from 'node:fs';
    const MiB = ${MiB};
    const wire = readFileSync(0);
    const agreed = { serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: 15, clientMaxWindowBits: 15 };
    const rss = async () => {
      for (let turn = 0; turn < 3; turn += 1) { await new Promise((resolve) => setTimeout(resolve, 20)); gc(); }
      return process.memoryUsage.rss();
    };
    ${program}`;
  const output = execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '--eval', source], {
    input: wire,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(output.toString()) as Record<string, number> & { codes: number[] };
}

test('B06: 1,000 connections with takeover hold nothing before, at most 64 KiB each after a message each way, and give it back when they are closed', () => {
  const { idle, used, later } = measure(
    `
    const message = Buffer.from(JSON.stringify(Array.from({ length: 40 }, (_, index) => ({ index, value: Math.random() }))));
    const budget = { now: () => 0, charge: () => 0, isSpent: false };
    const open = () => ({
      deflater: createDeflater(agreed, 1, {}, () => {}, budget),
      inflater: createInflater(agreed, 1, {}, () => {}, budget),
    });
    const talk = ({ deflater, inflater }) => inflater.inflate(deflater.deflate(message, true), Infinity);
    const close = ({ deflater, inflater }) => { deflater.close(); inflater.close(); };
    const first = open();
    talk(first);
    close(first);
    // Code that is compiled when it has run often is not of the connections.
    for (let i = 0; i < 3000; i++) close(open());
    const before = await rss();
    let connections = Array.from({ length: 1000 }, open);
    const idle = await rss() - before;
    connections.forEach(talk);
    const used = await rss() - before;
    // Who was closed stays reachable, so that the garbage collector gives nothing back in its place.
    const closed = [];
    for (let thousands = 0; thousands < 10; thousands++) {
      connections.forEach(close);
      closed.push(connections);
      connections = Array.from({ length: 1000 }, open);
      connections.forEach(talk);
    }
    const later = await rss() - before;
    console.log(JSON.stringify({ idle, used, later, closed: closed.length }));`,
    Buffer.alloc(0),
  );
  console.log(
    `KiB a connection: idle ${idle / 1_024_000}, used ${used / 1_024_000}, after 10,000 more ${later / 1_024_000}`,
  );
  expect(idle / 1000).toBeLessThan(2048);
  expect(used / 1000).toBeLessThan(64 * 1024);
  // malloc of Node 20 to 26 keeps 70 to 137 KiB for each of the 1,000 then. Handles that stay open come to 220 and more.
  expect(later / 1000).toBeLessThan(180 * 1024);
}, 120_000);

test('B01: 64 bombs at once end with 1009 in bounded memory, and the event loop goes on', () => {
  const result = measure(
    `
    const before = await rss();
    const codes = [];
    const inflaters = Array.from({ length: 64 }, () => {
      const inflater = createInflater(agreed, 1, {}, (result) => { codes.push(result.closeCode); inflater.close(); });
      inflater.inflate(wire, 16 * MiB);
      return inflater;
    });
    let peak = 0;
    const turns = [];
    while (codes.length < inflaters.length) {
      const start = process.cpuUsage();
      await new Promise((resolve) => setImmediate(resolve));
      const { user, system } = process.cpuUsage(start);
      turns.push((user + system) / 1000);
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    turns.sort((a, b) => a - b);
    console.log(JSON.stringify({ codes, peak: peak - before, after: await rss() - before, p99: turns[Math.floor(turns.length * 0.99)] }));`,
    compressed(Buffer.alloc(17 * MiB)),
  );
  console.log(
    `peak MiB ${result.peak / MiB}, after MiB ${result.after / MiB}, p99 ms of processor time a turn ${result.p99}`,
  );
  expect(result.codes).toEqual(Array.from({ length: 64 }, () => 1009));
  expect(result.peak).toBeLessThan(2 * 1.1 * 16 * MiB + 32 * MiB);
  expect(result.after).toBeLessThan(32 * MiB);
  expect(result.p99).toBeLessThan(50);
}, 120_000);

test('memory of large output is given back by close, before the garbage collector runs', () => {
  const { risen, left } = measure(
    `
    let delivered = 0;
    const inflater = createInflater(agreed, 1, {}, () => { delivered += 1; });
    const before = await rss();
    inflater.inflate(wire, 100 * MiB);
    let risen = 0;
    while (risen <= 60 * MiB && delivered === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      risen = process.memoryUsage.rss() - before;
    }
    inflater.close();
    // A thread of the pool may fill a part of it still.
    await new Promise((resolve) => setTimeout(resolve, 100));
    console.log(JSON.stringify({ risen, left: process.memoryUsage.rss() - before }));`,
    compressed(Buffer.alloc(99 * MiB)),
  );
  expect(risen).toBeGreaterThan(60 * MiB);
  expect(left).toBeLessThan(30 * MiB);
});
