// `Limits` holds the limits that the command line sets for a result.

/** The options that limit a result. Latencies are in ms, `max-worse` in percent. */
export const LIMITS = [
  'max-p50',
  'max-p90',
  'max-p99',
  'max-p99.9',
  'max-p99.99',
  'max-latency',
  'min-rate',
  'max-errors',
  'max-worse',
] as const;

export type Limits = Readonly<Record<(typeof LIMITS)[number], number | undefined>>;
