// `fuzzClients` examines clients with generated streams, one for each connection that they open.

import type { ClientExamination, ClientRun } from '../client-run.js';
import { runClientCases } from '../run-client-cases.js';
import { type FuzzSettings, Search } from './search.js';

/** Milliseconds between two checks of the time. */
const LOOK = 50;

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
  const examination = await runClientCases({ ...run, search });
  let end = Number.POSITIVE_INFINITY;
  const look = setInterval(() => {
    if (search.isOver || (performance.now() >= end && !search.isShrinking)) examination.stop();
  }, LOOK);
  const searching = async (): Promise<Search> => {
    try {
      for await (const result of examination) {
        if (end === Number.POSITIVE_INFINITY) end = performance.now() - result.duration + run.seconds * 1000;
      }
    } finally {
      clearInterval(look);
    }
    return search;
  };
  return { examination, search: searching() };
}
