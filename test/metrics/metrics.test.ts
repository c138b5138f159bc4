/** The counts of `wsimd/metrics`, held against conversations whose messages, frames and closes are known. */
import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from '../../src/index.js';
import { Metrics, type ServerCounts } from '../../src/metrics/index.js';
import { event, listen, message, pair, refusal, type Pair } from '../node/contract/harness.js';
import { ours, type Client } from '../node/contract/implementations.js';

const implementation = await ours();

function newMetrics(options?: { prefix?: string }): Metrics {
  const metrics = new Metrics(options);
  onTestFinished(() => metrics.close());
  return metrics;
}

/** A server that is watched under the name `chat`, and one open client of it. */
async function watched(metrics: Metrics, options: Record<string, unknown> = {}): Promise<Pair> {
  const listening = await listen(implementation, options);
  metrics.watch(listening.server, 'chat');
  const connected = event<[Client]>(listening.server, 'connection');
  const client = new implementation.WebSocket(listening.url, undefined, options);
  onTestFinished(() => client.terminate());
  await event(client, 'open');
  const [peer] = await connected;
  return { ...listening, client, peer };
}

function chat(metrics: Metrics): ServerCounts {
  return metrics.json().servers.chat;
}

/** The samples of a page by name and labels; fails for a line that is none. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  const samples = lines
    .filter((line) => !line.startsWith('#'))
    .map(
      (line) =>
        /^([a-z\d_]+(?:\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})?) (\d+(?:\.\d+)?(?:e-\d+)?)$/.exec(line) ?? [line],
    );
  expect(samples.filter(({ length }) => length === 1)).toEqual([]);
  return new Map(samples.map(([, name, value]) => [name, Number(value)]));
}

function nameOf(sample: string): string {
  return sample.replace(/\{.*/s, '');
}

describe('wsimd/metrics', () => {
  it('counts an opening over HTTP/2 by the status of its answer', async () => {
    const metrics = newMetrics();
    const http = createServer().listen(0, '127.0.0.1');
    metrics.watch(new WebSocketServer({ server: http }), 'chat');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { http2: true });
    onTestFinished(() => {
      client.terminate();
      http.close();
    });
    await once(client, 'open');
    expect(chat(metrics).handshakes).toEqual({ 200: 1 });
  });

  it('counts connections, messages, bytes, frames and closes', async () => {
    const metrics = newMetrics();
    const { client, peer } = await watched(metrics);
    const told = message(peer);
    client.send('four');
    await told;
    const echo = message(client);
    peer.send(Buffer.alloc(300));
    await echo;
    client.send('a', { fin: false });
    client.send('b');
    const pong = event(client, 'pong');
    client.ping('ping');
    await pong;
    expect(chat(metrics)).toEqual({
      connections: 1,
      handshakes: { 101: 1 },
      closes: {},
      backpressureBytes: 0,
      backpressuredConnections: 0,
      received: {
        messages: 2,
        bytes: 4 + 1 + 1 + 4,
        frames: { continuation: 1, text: 2, binary: 0, close: 0, ping: 1, pong: 0 },
        uncompressedBytes: 0,
        compressedBytes: 0,
      },
      sent: {
        messages: 1,
        bytes: 300 + 4,
        frames: { continuation: 0, text: 0, binary: 1, close: 0, ping: 0, pong: 1 },
        uncompressedBytes: 0,
        compressedBytes: 0,
      },
    });
    const closed = event(peer, 'close');
    client.close(4000);
    await closed;
    const { connections, closes, received } = chat(metrics);
    expect([connections, closes, received.messages, received.frames.close]).toEqual([0, { 4000: 1 }, 2, 1]);
  });

  it('counts what compression saves, both ways, at once and later', async () => {
    const metrics = newMetrics();
    const { client, peer } = await watched(metrics, { perMessageDeflate: { threshold: 0 } });
    for (const length of [1000, 200_000]) {
      const told = message(peer);
      client.send('x'.repeat(length));
      await told;
      const echo = message(client);
      peer.send('y'.repeat(length));
      await echo;
    }
    const { received, sent } = chat(metrics);
    for (const { uncompressedBytes, compressedBytes, bytes } of [received, sent]) {
      expect(uncompressedBytes).toBe(201_000);
      expect(compressedBytes).toBe(bytes);
      expect(compressedBytes).toBeLessThan(2000);
    }
  });

  it('counts refusals by status', async () => {
    const metrics = newMetrics();
    const { port } = await watched(metrics, { verifyClient: ({ req }: { req: { url: string } }) => req.url !== '/no' });
    await refusal(port, { requestLine: 'GET /no HTTP/1.1' });
    await refusal(port, { headers: { 'Sec-WebSocket-Version': '12' } });
    expect(chat(metrics).handshakes).toEqual({ 101: 1, 400: 1, 401: 1 });
  });

  it('counts what waits for a peer that does not read', async () => {
    const metrics = newMetrics();
    const { client, peer } = await watched(metrics);
    client._socket.pause();
    while (peer._socket.writableLength === 0) peer.send(Buffer.alloc(1024 * 1024));
    const { backpressureBytes, backpressuredConnections } = chat(metrics);
    expect(backpressuredConnections).toBe(1);
    expect(backpressureBytes).toBeGreaterThan(1024 * 1024 - 1);
    peer.terminate();
  });

  it('writes a page for Prometheus with every count, and escapes names', async () => {
    const metrics = newMetrics({ prefix: 'my' });
    const { client, peer } = await watched(metrics);
    const told = message(peer);
    client.send('four');
    await told;
    const other = await listen(implementation);
    metrics.watch(other.server, 'with "quotes"\\\n');
    const text = metrics.text();
    const samples = samplesOf(text);
    expect(samples.get('my_connections{server="chat"}')).toBe(1);
    expect(samples.get('my_connections{server="with \\"quotes\\"\\\\\\n"}')).toBe(0);
    expect(samples.get('my_handshakes_total{server="chat",status="101"}')).toBe(1);
    expect(samples.get('my_messages_total{server="chat",way="received"}')).toBe(1);
    expect(samples.get('my_payload_bytes_total{server="chat",way="received"}')).toBe(4);
    expect(samples.get('my_frames_total{server="chat",way="received",opcode="text"}')).toBe(1);
    expect(samples.get('my_deflate_bytes_total{server="chat",way="sent",state="compressed"}')).toBe(0);
    expect(samples.get('my_backpressure_bytes{server="chat"}')).toBe(0);
    expect(samples.has('my_event_loop_delay_p99_seconds')).toBe(true);
    const documents = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
    const promised = [...documents.matchAll(/^\| `([a-z]\w+)` *\| (.*?) *\|$/gm)].map(
      ([, name, labels]) => `my_${name} ${[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join()}`,
    );
    const labelled = [...samples.keys()].map((sample) => {
      const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label]) => label).join();
      return `${nameOf(sample)} ${labels}`;
    });
    // No connection has closed.
    expect([...new Set([...labelled, 'my_closes_total server,code'])].sort()).toEqual(promised.sort());
    // Each metric is described once, before its samples.
    const described = [...text.matchAll(/^# TYPE (\w+) (?:counter|gauge)$/gm)].map(([, name]) => name);
    expect(new Set(described).size).toBe(described.length);
    for (const sample of samples.keys()) expect(described).toContain(nameOf(sample));
  });

  it('keeps to the conventions of Prometheus: what only a summary or a histogram has is nowhere', async () => {
    const metrics = newMetrics();
    await watched(metrics);
    const text = metrics.text();
    expect(text).not.toMatch(/[{,](?:quantile|le)=/);
    for (const [, name, type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      expect(name).not.toMatch(/_(?:sum|count|bucket)$/);
      expect([name, type]).toEqual([name, name.endsWith('_total') ? 'counter' : 'gauge']);
    }
  });

  it('measures how late the event loop is', async () => {
    const metrics = newMetrics();
    await new Promise((resolve) => setTimeout(resolve, 30));
    metrics.json();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const end = performance.now() + 200;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(metrics.json().eventLoopDelay.max).toBeGreaterThan(0.15);
  });

  it('watches a server whose connections are open already, several servers, and none that it forgot', async () => {
    const metrics = newMetrics();
    const before = await pair(implementation);
    metrics.watch(before.server);
    expect(metrics.json().servers['0'].connections).toBe(1);
    expect(() => metrics.watch({ options: {} }, '0')).toThrow(new TypeError('Another server is named "0"'));
    const closed = event(before.peer, 'close');
    before.client.close();
    await closed;
    expect(metrics.json().servers['0']).toMatchObject({ connections: 0, closes: { 1005: 1 } });
    metrics.unwatch(before.server);
    expect(metrics.json().servers).toEqual({});
    expect(() => new Metrics({ prefix: '1' })).toThrow(TypeError);
  });

  it('gives a server the name of no other, also after one was forgotten', () => {
    const metrics = newMetrics();
    const [first, second, third] = [{ options: {} }, { options: {} }, { options: {} }];
    metrics.watch(first);
    metrics.watch(second);
    metrics.unwatch(first);
    metrics.watch(third);
    expect(Object.keys(metrics.json().servers)).toEqual(['1', '2']);
  });

  it('numbers servers past the numbers that the application gave, also after one was forgotten', () => {
    const metrics = newMetrics();
    const named = { options: {} };
    metrics.watch(named, '1');
    metrics.watch({ options: {} });
    metrics.watch({ options: {} }, 'chat');
    metrics.watch({ options: {} }, '5');
    metrics.unwatch(named);
    metrics.watch({ options: {} });
    metrics.watch({ options: {} });
    expect(Object.keys(metrics.json().servers)).toEqual(['2', '5', '6', '7', 'chat']);
  });

  it('reports 10,000 connections in a quarter of the time that it takes to write their counts as JSON', () => {
    const metrics = newMetrics();
    const server = { options: {} };
    metrics.watch(server, 'chat');
    const traffic = (): object => ({
      messages: 1,
      octets: 1,
      compressed: 0,
      uncompressed: 0,
      frames: Array.from({ length: 16 }, () => 1),
    });
    const request = { httpVersionMajor: 1 };
    const websockets = Array.from({ length: 10_000 }, () => {
      const websocket = { bufferedAmount: 0, statistics: { received: traffic(), sent: traffic() } };
      diagnostics.channel('wsimd:handshake:accepted').publish({ server, websocket, request });
      return websocket;
    });
    const least = (work: () => unknown): number => {
      const times = Array.from({ length: 15 }, () => {
        const start = process.cpuUsage();
        work();
        const { user, system } = process.cpuUsage(start);
        return user + system;
      });
      return Math.min(...times);
    };
    expect(chat(metrics).received.messages).toBe(10_000);
    const report = least(() => metrics.text());
    expect(4 * report).toBeLessThan(least(() => JSON.stringify(websockets)));
  });
});
