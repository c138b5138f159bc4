// `agentOf` and `selectedOf` read the query of a client under test, and throw `BadRequest` where it is wrong.

import type { Case, HandshakeHeader } from './case.js';
import { UNIMPLEMENTED } from './examination.js';

/** A request that the examiner answers with an HTTP status and this sentence. */
export class BadRequest extends Error {
  readonly status: 400 | 403 | 404;

  constructor(status: 400 | 403 | 404, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

const MAX_AGENT = 200;

/** Whether a request has a field of a WebSocket handshake that a page cannot set. */
export function isHandshake({ values }: HandshakeHeader): boolean {
  return ['upgrade', 'sec-websocket-key', 'sec-websocket-version'].some((name) => values(name).length > 0);
}

/** The key of clients that wait for the result of a case of an agent. */
export function waitKey(agent: string, id: string): string {
  return `${id} ${agent}`;
}

/**
 * The agent that a query names.
 * @throws BadRequest where it names none, or one that is too long
 */
export function agentOf(query: URLSearchParams): string {
  const agent = query.get('agent')?.trim() ?? '';
  if (agent === '' || agent.length > MAX_AGENT) {
    throw new BadRequest(400, `The query needs agent=NAME, of 1 to ${MAX_AGENT} characters.`);
  }
  return agent;
}

/** The number of streams that the examiner reports to a client; the time limit ends the run earlier. */
export const GENERATED = 1_000_000;

/**
 * The placeholder case of the generated stream that a query names, until the stream is made.
 * @throws BadRequest where the query names none
 */
export function generated(query: URLSearchParams): { one: Case; number: number } {
  const number = Number(query.get('case') ?? 'NaN');
  if (!(number >= 1 && number <= GENERATED)) throw new BadRequest(404, `There is no stream ${query.get('case')}.`);
  const description = 'A generated stream.';
  return { one: { id: `F.${number}`, description, expectation: '', exam: UNIMPLEMENTED }, number };
}

/**
 * The selected case that a query names, by its place, from 1, or by its id.
 * @throws BadRequest where it names none of them
 */
export function selectedOf(query: URLSearchParams, cases: readonly Case[]): { one: Case; number: number } {
  const id = query.get('casetuple');
  const place = id === null ? Number(query.get('case') ?? 'NaN') : cases.findIndex((one) => one.id === id) + 1;
  const one = cases[place - 1] as Case | undefined;
  if (one === undefined) {
    const named = id === null ? `number ${query.get('case') ?? '(none)'}` : `"${id}"`;
    throw new BadRequest(404, `There is no case ${named} among the ${cases.length} that were selected.`);
  }
  return { one, number: place };
}
