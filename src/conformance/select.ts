// `selectCases` turns patterns of ids into the list of cases to run.

import { ALL_CASES } from './cases/index.js';
import type { Case, Testee } from './case.js';

/** The reason why a run cannot begin; its message is a sentence for the user. */
export class CannotRunError extends Error {
  override name = 'CannotRunError';
}

/** The selection of a run's cases. */
export interface Selection {
  /** Ids, or patterns with `*`, which match the beginning of an id: `1*` matches 10.1.1 too. Default all cases. */
  cases?: readonly string[];
  /** Ids or patterns of cases to leave out. */
  exclude?: readonly string[];
  /** Whether connections are HTTP/2 streams (RFC 8441), without the cases H of the HTTP/1.1 handshake; default false. */
  http2?: boolean;
}

function expression(pattern: string, whole: boolean): RegExp {
  const body = pattern.replace(/[\\^$+?.()|[\]{}]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${body}${whole ? '$' : ''}`);
}

/** Whether the whole of `text` matches one of the patterns. */
export function matchesAny(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => expression(pattern, true).test(text));
}

function chosen(pattern: string): Case[] {
  const found = pattern.includes('*')
    ? ALL_CASES.filter(({ id }) => expression(pattern, false).test(id))
    : ALL_CASES.filter(({ id }) => id === pattern);
  if (found.length === 0)
    throw new CannotRunError(
      `No case is called "${pattern}"; ids are written like 6.4.1, and patterns like 6.4.*, 6.* or H.*.`,
    );
  return found;
}

/**
 * The selected cases for testees of one role, in the order of `ALL_CASES`.
 * @throws CannotRunError when a pattern matches no case, or no case is left
 */
export function selectCases({ cases = ['*'], exclude = [], http2 = false }: Selection, testee: Testee): Case[] {
  const wanted = new Set(cases.flatMap(chosen));
  for (const one of [...exclude, ...(http2 ? ['H.*'] : [])].flatMap(chosen)) wanted.delete(one);
  const list = ALL_CASES.filter((one) => wanted.has(one) && (one.testee ?? testee) === testee);
  if (list.length === 0) throw new CannotRunError(`No case is left to run against a ${testee}.`);
  return list;
}

/** The place of a case in `ALL_CASES`, from 1. */
export function caseNumber(one: Case): number {
  return ALL_CASES.indexOf(one) + 1;
}
