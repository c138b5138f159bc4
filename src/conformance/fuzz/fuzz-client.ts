// fuzzClients serves clients under test with generated streams, as many connections as they open.

import type { ClientExamination, ClientRun } from '../client-run.js';
import { runClientCases } from '../run-client-cases.js';
import { type FuzzSettings, Search } from './search.js';

/** Milliseconds between two looks at the clock. */
const LOOK = 50;

/** A search that serves clients. */
export interface ClientFuzz {
  examination: ClientExamination;
  /** Resolves when time is over, a failure is as small as it gets, or the run was ended. */
  search: Promise<Search>;
}

/**
 * Listens for clients under test; time counts from the first stream that one of them takes.
 * @throws CannotRunError when the port is not to be had
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
