// `waitKey`, `agentOf` and their neighbours read the query of a client under test, and name a wrong request.

import type { Case, HandshakeHeader } from './case.js';
import { UNIMPLEMENTED } from './examination.js';

/** A request that is answered with an HTTP status and this sentence. */
export class BadRequest extends Error {
  readonly status: 400 | 403 | 404;

  constructor(status: 400 | 403 | 404, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

const MAX_AGENT = 200;

/** Whether a request has a field that belongs to a WebSocket handshake and that no page can set. */
export function isHandshake({ values }: HandshakeHeader): boolean {
  return ['upgrade', 'sec-websocket-key', 'sec-websocket-version'].some((name) => values(name).length > 0);
}

/** The name of a waiting client: a case and an agent. */
export function waitKey(agent: string, id: string): string {
  return `${id} ${agent}`;
}

/**
 * The agent that a query names.
 * @throws BadRequest when it names none
 */
export function agentOf(query: URLSearchParams): string {
  const agent = query.get('agent')?.trim() ?? '';
  if (agent === '' || agent.length > MAX_AGENT) {
    throw new BadRequest(400, `The query needs agent=NAME, of 1 to ${MAX_AGENT} characters.`);
  }
  return agent;
}

/** Streams that a client under test is asked to take, until time is over. */
export const GENERATED = 1_000_000;

/**
 * The case that stands for a generated stream, until that is made.
 * @throws BadRequest when the query names none
 */
export function generated(query: URLSearchParams): { one: Case; number: number } {
  const number = Number(query.get('case') ?? 'NaN');
  if (!(number >= 1 && number <= GENERATED)) throw new BadRequest(404, `There is no stream ${query.get('case')}.`);
  const description = 'A generated stream.';
  return { one: { id: `F.${number}`, description, expectation: '', exam: UNIMPLEMENTED }, number };
}

/**
 * The case of those that were selected which a query names, by its place or its id.
 * @throws BadRequest when it names none of them
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
