// `Metrics` counts for any number of servers, and reports as text for Prometheus or as JSON: the entry `wsimd/metrics`.
import diagnostics from 'node:diagnostics_channel';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Page, type Labels } from './page.js';
import { Watched, type Counted, type ServerCounts, type WatchedServer } from './watched.js';

export type { ServerCounts, TrafficCounts, WatchedServer } from './watched.js';

export interface MetricsOptions {
  /** The prefix of all metric names. Default `wsimd`. */
  readonly prefix?: string | undefined;
}

/** Delays of the event loop, in seconds, since the last report. */
export interface DelayCounts {
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** The fields of `wsimd:handshake:accepted` that are used here. */
interface Accepted {
  readonly server: object;
  readonly websocket: Counted;
  readonly request: { readonly httpVersionMajor: number };
}

/** The interval at which the delay of the event loop is measured, in ms. */
const RESOLUTION = 10;
const NANOSECONDS = 1e9;

/**
 * Counts for the servers that it watches. It turns on their option `statistics`, so that new connections count their
 * traffic.
 */
export class Metrics {
  /** The Content-Type of `text()`. */
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #prefix: string;
  readonly #watched = new Map<object, { name: string; counts: Watched }>();
  /** The next number: no server has had it, or a higher one, as its name. */
  #count = 0;
  /** The server of each WebSocket. */
  readonly #owners = new WeakMap<object, Watched>();
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION });

  /** @throws TypeError for a prefix that cannot begin a metric name of Prometheus */
  constructor({ prefix = 'wsimd' }: MetricsOptions = {}) {
    if (!/^[a-zA-Z_:][\w:]*$/.test(prefix)) throw new TypeError(`"${prefix}" cannot begin the name of a metric`);
    this.#prefix = prefix;
    this.#delay.enable();
    diagnostics.subscribe('wsimd:handshake:accepted', this.#onAccepted);
    diagnostics.subscribe('wsimd:handshake:refused', this.#onRefused);
    diagnostics.subscribe('wsimd:close', this.#onClose);
  }

  /**
   * Counts for a server from now on, under a name.
   * @throws TypeError for the name of another server
   */
  watch(server: WatchedServer, name: string = String(this.#count)): void {
    for (const [other, { name: taken }] of this.#watched) {
      if (taken === name && other !== server) throw new TypeError(`Another server is named "${name}"`);
    }
    (server.options as { statistics?: boolean }).statistics = true;
    const counts = new Watched(server);
    for (const websocket of counts.open) this.#owners.set(websocket, counts);
    this.#watched.set(server, { name, counts });
    this.#count = Math.max(this.#count, /^\d{1,15}$/.test(name) ? Number(name) : 0) + 1;
  }

  /** Drops a server and its counts. */
  unwatch(server: WatchedServer): void {
    this.#watched.delete(server);
  }

  /** Stops counting. */
  close(): void {
    this.#watched.clear();
    this.#delay.disable();
    diagnostics.unsubscribe('wsimd:handshake:accepted', this.#onAccepted);
    diagnostics.unsubscribe('wsimd:handshake:refused', this.#onRefused);
    diagnostics.unsubscribe('wsimd:close', this.#onClose);
  }

  /** The counts of each server by its name, and the delays of the event loop since the last `json()` or `text()`. */
  json(): { servers: Record<string, ServerCounts>; eventLoopDelay: DelayCounts } {
    const servers = [...this.#watched.values()].map(({ name, counts }) => [name, counts.counts()] as const);
    const delay = this.#delay;
    // The histogram has the time between two measurements, which is the resolution when nothing is late.
    const late = (nanoseconds: number): number => Math.max(0, nanoseconds - RESOLUTION * 1e6) / NANOSECONDS;
    const at = (percent: number): number => (delay.count === 0 ? 0 : late(delay.percentile(percent)));
    const eventLoopDelay = { p50: at(50), p90: at(90), p99: at(99), max: delay.count === 0 ? 0 : late(delay.max) };
    delay.reset();
    return { servers: Object.fromEntries(servers), eventLoopDelay };
  }

  /** The same in the text format of Prometheus, version 0.0.4. */
  text(): string {
    const { servers, eventLoopDelay } = this.json();
    const page = new Page(this.#prefix);
    const each = (visit: (counts: ServerCounts, labels: Labels) => void): void => {
      for (const [server, counts] of Object.entries(servers)) visit(counts, { server });
    };
    const ways = ['received', 'sent'] as const;
    page.begin('connections', 'gauge', 'Connections that are open.');
    each((counts, labels) => page.line(counts.connections, labels));
    page.begin('handshakes_total', 'counter', 'Requests for a WebSocket by the status of the answer.');
    each(({ handshakes }, labels) => page.lines(handshakes, 'status', labels));
    page.begin('closes_total', 'counter', 'Connections that ended, by close code.');
    each(({ closes }, labels) => page.lines(closes, 'code', labels));
    page.begin('messages_total', 'counter', 'Whole messages.');
    each((counts, labels) => ways.forEach((way) => page.line(counts[way].messages, { ...labels, way })));
    page.begin('payload_bytes_total', 'counter', 'Bytes of payload in frames of all kinds, as on the wire.');
    each((counts, labels) => ways.forEach((way) => page.line(counts[way].bytes, { ...labels, way })));
    page.begin('frames_total', 'counter', 'Frames by opcode.');
    each((counts, labels) => ways.forEach((way) => page.lines(counts[way].frames, 'opcode', { ...labels, way })));
    page.begin('deflate_bytes_total', 'counter', 'Bytes of payload that was compressed, before and after.');
    each((counts, labels) =>
      ways.forEach((way) => {
        page.line(counts[way].uncompressedBytes, { ...labels, way, state: 'uncompressed' });
        page.line(counts[way].compressedBytes, { ...labels, way, state: 'compressed' });
      }),
    );
    page.begin('backpressure_bytes', 'gauge', 'Bytes that wait to be sent.');
    each((counts, labels) => page.line(counts.backpressureBytes, labels));
    page.begin('backpressured_connections', 'gauge', 'Connections with bytes that wait to be sent.');
    each((counts, labels) => page.line(counts.backpressuredConnections, labels));
    for (const [name, value] of Object.entries(eventLoopDelay)) {
      page.begin(`event_loop_delay_${name}_seconds`, 'gauge', `Event loop delay since the last scrape: ${name}.`);
      page.line(value, {});
    }
    return page.toString();
  }

  readonly #onAccepted = (fields: unknown): void => {
    const { server, websocket, request } = fields as Accepted;
    const counts = this.#watched.get(server)?.counts;
    if (counts === undefined) return;
    // RFC 8441 5: over HTTP/2 the answer is 200.
    const status = request.httpVersionMajor === 2 ? 200 : 101;
    counts.handshakes[status] = (counts.handshakes[status] ?? 0) + 1;
    counts.open.add(websocket);
    this.#owners.set(websocket, counts);
  };

  readonly #onRefused = (fields: unknown): void => {
    const { server, status } = fields as { server?: object; status: number };
    const counts = server && this.#watched.get(server)?.counts;
    if (counts) counts.handshakes[status] = (counts.handshakes[status] ?? 0) + 1;
  };

  readonly #onClose = (fields: unknown): void => {
    const { websocket, code } = fields as { websocket: Counted; code: number };
    this.#owners.get(websocket)?.ended(websocket, code);
  };
}
