// `fuzzClients` examines clients with generated streams, one for each connection that they open.

import type { ClientExamination, ClientRun } from '../client-run.js';
import { runClientCases } from '../run-client-cases.js';
import { type FuzzSettings, Search } from './search.js';

/** Milliseconds between two checks of the time. */
const LOOK = 50;
/** Milliseconds after which a client that has not come back is taken for dead. */
const GONE = 10_000;

/** A search that examines clients. */
export interface ClientFuzz {
  examination: ClientExamination;
  /** Resolves when the time is over, when a failure cannot become smaller, or when the run ends. */
  search: Promise<Search>;
}

/**
 * Listens for clients. The time begins with the first stream that a client receives.
 * @throws CannotRunError when the port is not available
 */
export async function fuzzClients(run: ClientRun & FuzzSettings): Promise<ClientFuzz> {
  const search = new Search(run.seed);
  const { signal, timeoutScale = 1, ...settings } = run;
  const examination = await runClientCases({ ...settings, timeoutScale, search });
  let end = Number.POSITIVE_INFINITY;
  let last = 0;
  const look = setInterval(() => {
    const now = performance.now();
    const isWaiting = search.isShrinking && now - last < GONE * timeoutScale;
    if (search.isOver || signal?.aborted || (now >= end && !isWaiting)) examination.stop();
  }, LOOK);
  const searching = async (): Promise<Search> => {
    try {
      for await (const result of examination) {
        last = performance.now();
        if (end === Number.POSITIVE_INFINITY) end = last - result.duration + run.seconds * 1000;
      }
    } finally {
      clearInterval(look);
    }
    if (search.isShrinking) search.settle();
    return search;
  };
  return { examination, search: searching() };
}
