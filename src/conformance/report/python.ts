// `pythonLiteral` writes values as Python literals, as the classic report does, so that pages can be compared.
import type { CaseEvent } from '../result.js';
import { CUT_MARK, eventRow } from './excerpt.js';
import { escapedCodePoint } from './visible.js';

/** The most characters of a literal that a page shows. */
const LITERAL_CUT = 1000;

/** A value as True, False, None, a number or a quoted string. */
export function pythonLiteral(value: string | number | boolean | null): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  return pythonString(value);
}

/** A value of the closing table: a string without quotes, others as literals. */
export function pythonCell(value: string | number | boolean | null): string {
  return typeof value === 'string' ? value : pythonLiteral(value);
}

/** Events as a list of tuples: `[('message', 'Hello', False)]`. */
export function pythonEvents(events: readonly CaseEvent[]): string {
  return `[${events.map((event) => `(${eventRow(event).map(pythonLiteral).join(', ')})`).join(', ')}]`;
}

/** Events by outcome, as a dictionary: `{'OK': []}`. */
export function pythonOutcomes(outcomes: Readonly<Partial<Record<string, readonly CaseEvent[]>>>): string {
  const entries = Object.entries(outcomes).map(([outcome, events]) => `'${outcome}': ${pythonEvents(events ?? [])}`);
  return `{${entries.join(', ')}}`;
}

/** Cuts a literal to `LITERAL_CUT` characters. */
export function cutLiteral(literal: string): string {
  return literal.length > LITERAL_CUT ? literal.slice(0, LITERAL_CUT) + CUT_MARK : literal;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\p{Co}\p{Cs}]/gu, (character) => {
    return NAMED_ESCAPES[character] ?? escapedCodePoint(character);
  });
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}
