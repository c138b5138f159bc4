// `Result` is the outcome of one load, as `--json` writes it; `makeResult` makes it from the reports of the workers.
import { sumOf, type Second } from './crew.js';
import { Histogram, PERCENTILES, type PackedHistogram } from './histogram.js';
import type { Done, Errors } from './plan.js';
import type { Settings } from './settings.js';

/** Durations in ms. */
export interface Durations {
  count: number;
  min: number;
  mean: number;
  p50: number;
  p90: number;
  p99: number;
  'p99.9': number;
  'p99.99': number;
  max: number;
}

/** The latencies; `buckets` are pairs of ms, accurate to 0.4 %, and count. */
export interface Latency extends Durations {
  /** Whether the latencies count from the times at which messages were due. */
  isCorrected: boolean;
  buckets: [ms: number, count: number][];
}

export interface Result {
  format: 'wsimd bench 1';
  url: string;
  /** ISO 8601. */
  startedAt: string;
  settings: {
    connections: number;
    depth?: number;
    rate?: number;
    messages: string;
    /** ms. */
    duration: number;
    warmup: number;
    workers: number;
  };
  /** The measured time in ms, which is shorter than requested if the run ended early. */
  measured: number;
  messages: { sent: number; answered: number; perSecond: number };
  /** On the wire, framing included. */
  bytes: { sent: number; received: number; sentPerSecond: number; receivedPerSecond: number };
  latency: Latency;
  connections: Durations & { compressed: number };
  errors: Errors;
  /** The delays of messages from the times at which they were due; undefined in a closed loop. */
  late?: Durations;
  /** The work of this program: the busy share of the busiest worker, and the processor time per message. */
  load: { busy: number; microsPerMessage: number };
  /** One entry a second. */
  seconds: { answered: number; open: number; errors: number; p50: number; p99: number; max: number }[];
}

const MILLION = 1e6;

export function makeResult(
  settings: Settings,
  url: string,
  { done, seconds, startedAt }: { done: Done[]; seconds: Second[]; startedAt: Date },
): Result {
  const sum = (pick: (each: Done) => number): number => done.reduce((total, each) => total + pick(each), 0);
  const latency = histogramOf(done.map((each) => each.latency));
  const late = histogramOf(done.map((each) => each.late));
  const connecting = histogramOf(done.map((each) => each.connecting));
  const measured = Math.max(0, ...done.map((each) => each.measured));
  const [answered, sent] = [sum((each) => each.answered), sum((each) => each.sent)];
  const [bytesSent, bytesReceived] = [sum((each) => each.bytesSent), sum((each) => each.bytesReceived)];
  const each = (count: number): number => (measured === 0 ? 0 : (count * 1000) / measured);
  const processorTime = Math.max(0, ...done.map((each) => each.processorTime));
  const { connections, pace, messages, duration, warmup, workers } = settings;
  return {
    format: 'wsimd bench 1',
    url,
    startedAt: startedAt.toISOString(),
    settings: {
      connections,
      ...(pace.depth === undefined ? { rate: pace.rate } : { depth: pace.depth }),
      messages,
      duration,
      warmup,
      workers,
    },
    measured,
    messages: { sent, answered, perSecond: each(answered) },
    bytes: {
      sent: bytesSent,
      received: bytesReceived,
      sentPerSecond: each(bytesSent),
      receivedPerSecond: each(bytesReceived),
    },
    latency: {
      ...durationsOf(latency),
      isCorrected: pace.depth === undefined,
      buckets: latency.buckets().map(([middle, count]) => [middle / MILLION, count]),
    },
    connections: { ...durationsOf(connecting), compressed: sum((each) => each.compressed) },
    errors: sumOf(done.map((each) => each.errors)),
    ...(pace.depth === undefined ? { late: durationsOf(late) } : {}),
    load: {
      busy: Math.max(0, ...done.map((each) => each.busy)),
      microsPerMessage: answered === 0 ? 0 : processorTime / answered,
    },
    seconds: seconds.map(({ latency: recent, open, answered: count, errors: failed }) => ({
      answered: count,
      open,
      errors: failed,
      p50: recent.percentile(50) / MILLION,
      p99: recent.percentile(99) / MILLION,
      max: recent.max / MILLION,
    })),
  };
}

/** Returns the number of errors of all kinds. */
export function countErrors({ errors }: Pick<Result, 'errors'>): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}

function histogramOf(packed: readonly PackedHistogram[]): Histogram {
  const histogram = new Histogram();
  for (const each of packed) histogram.add(each);
  return histogram;
}

function durationsOf(histogram: Histogram): Durations {
  const percentiles = PERCENTILES.map((percent) => [`p${percent}`, histogram.percentile(percent) / MILLION]);
  return {
    count: histogram.total,
    min: histogram.min / MILLION,
    mean: histogram.mean / MILLION,
    ...(Object.fromEntries(percentiles) as Omit<Durations, 'count' | 'min' | 'mean' | 'max'>),
    max: histogram.max / MILLION,
  };
}
