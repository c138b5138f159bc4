// `selectCases` turns the patterns of a user into the list of cases to run.

import { ALL_CASES } from './cases/index.js';
import type { Case, Testee } from './case.js';

/** The reason why a run cannot begin: a sentence for the user. */
export class CannotRunError extends Error {
  override name = 'CannotRunError';
}

/** Which cases a run takes. */
export interface Selection {
  /** Ids or patterns with `*`; all cases when left out. A pattern is matched at the beginning of an id only: `1*` is also 10.1.1. */
  cases?: readonly string[];
  /** Ids or patterns to leave out. */
  exclude?: readonly string[];
  /** Connections are streams of HTTP/2 (RFC 8441); the cases H, of the opening handshake of HTTP/1.1, are left out. Default false. */
  http2?: boolean;
}

function expression(pattern: string, whole: boolean): RegExp {
  const body = pattern.replace(/[\\^$+?.()|[\]{}]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${body}${whole ? '$' : ''}`);
}

/** Whether `text` matches one of the patterns as a whole. */
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
 * The cases to run against this kind of testee, in the order of the whole list.
 * @throws CannotRunError when a pattern names no case or nothing is left.
 */
export function selectCases({ cases = ['*'], exclude = [], http2 = false }: Selection, testee: Testee): Case[] {
  const wanted = new Set(cases.flatMap(chosen));
  for (const one of [...exclude, ...(http2 ? ['H.*'] : [])].flatMap(chosen)) wanted.delete(one);
  const list = ALL_CASES.filter((one) => wanted.has(one) && (one.testee ?? testee) === testee);
  if (list.length === 0) throw new CannotRunError(`No case is left to run against a ${testee}.`);
  return list;
}

/** The number of a case in the whole list, from 1. */
export function caseNumber(one: Case): number {
  return ALL_CASES.indexOf(one) + 1;
}
