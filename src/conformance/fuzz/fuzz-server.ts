// `fuzzServer` sends generated streams to a server, one connection after another, until the time is over or a stream fails.

import { addAbortSignal } from 'node:stream';
import { TIMES } from '../examination.js';
import { examineServer } from '../examine-server.js';
import { type Answer, call, type Calling, knock } from '../knock.js';
import { type Server, serverOf, type ServerRun } from '../server-plan.js';
import { CannotRunError } from '../select.js';
import { type FuzzSettings, Search } from './search.js';

/** The options of `fuzzServer`. */
export type ServerFuzz = Pick<
  ServerRun,
  'url' | 'agent' | 'protocols' | 'origin' | 'headers' | 'timeoutScale' | 'tls' | 'restart' | 'signal' | 'onNote'
> &
  FuzzSettings;

/**
 * Sends generated streams to a server.
 * @throws CannotRunError when the URL is invalid, or no WebSocket server answers
 */
export async function fuzzServer(run: ServerFuzz): Promise<Search> {
  const { seconds, seed, signal, timeoutScale = 1 } = run;
  const server = serverOf(run);
  const search = new Search(seed);
  const first = await greet(server, run);
  if (signal?.aborted) return search;
  if (first.kind !== 'open') {
    const { hostname, port } = server;
    throw new CannotRunError(`No WebSocket server answers on ${hostname}, port ${port} (${first.why}).`);
  }
  const end = performance.now() + seconds * 1000;
  for (let count = 0; (performance.now() < end || search.isShrinking) && !search.isOver; count++) {
    if (signal?.aborted) break;
    const one = search.next(`F.${seed}.${count}`);
    const { socket, connected } = reach(server, run);
    const circumstances = { number: count + 1, agent: run.agent ?? null, timeScale: timeoutScale };
    const result = await examineServer(one, socket, connected, server, circumstances);
    if (signal?.aborted) break;
    const died = !result.wasClean && (await greet(server, run)).kind === 'gone';
    // The signal ends the handshake too.
    if (signal?.aborted) break;
    search.judge(one, result, died);
    if (!died) continue;
    try {
      await run.restart?.();
      if (run.restart !== undefined) continue;
    } catch (error) {
      // An interruption ends the restart too.
      if (!signal?.aborted) run.onNote?.(`The server died, and was not started again. ${(error as Error).message}`);
    }
    search.settle();
    break;
  }
  return search;
}

/** Connects until the run is aborted. */
function reach(server: Server, run: ServerFuzz): Calling {
  const calling = call(server, run);
  if (run.signal !== undefined) addAbortSignal(run.signal, calling.socket);
  return calling;
}

/** Performs a valid handshake, and ends the connection that it opens. */
async function greet(server: Server, run: ServerFuzz): Promise<Answer> {
  const answer = await knock(reach(server, run), server, TIMES.open * (run.timeoutScale ?? 1));
  if (answer.kind === 'open') await answer.leave();
  return answer;
}
