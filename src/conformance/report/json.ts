// `indexJson` and `caseJson` write the classic JSON files, with an indentation of 3 spaces and keys sorted as strings.
import type { CaseResult } from '../result.js';
import { eventRow } from './excerpt.js';
import type { FileNames } from './file-names.js';
import type { Report } from './report.js';
import { wireRows } from './wire-log.js';

/** A value that JSON can represent. */
type Json = string | number | boolean | null | undefined | readonly Json[] | { readonly [key: string]: Json };

const INDENT = 3;

/** The text of index.json: by agent and case, the verdicts, the duration in ms, the close code and the name of the file. */
export function indexJson(report: Report, files: FileNames): string {
  const agents = report.agents.map((agent) => {
    const cases = [...agent.results.values()].map((result) => [result.id, indexEntry(result, files)]);
    return [agent.name, Object.fromEntries(cases)];
  });
  return print(Object.fromEntries(agents));
}

function indexEntry(result: CaseResult, files: FileNames): Json {
  const { behavior, behaviorClose, duration, remoteCloseCode } = result;
  return {
    behavior,
    behaviorClose,
    duration,
    remoteCloseCode,
    reportfile: files.case(result.agent, result.id, 'json'),
  };
}

/** The JSON of one case: the 39 classic fields, with payloads, reads and writes cut to 64 bytes. */
export function caseJson(result: CaseResult): string {
  const expected = Object.entries(result.expected).map(([outcome, events]) => [outcome, events.map(eventRow)]);
  return print({
    ...result,
    expectedClose: { ...result.expectedClose },
    trafficStats: result.trafficStats === null ? null : { ...result.trafficStats },
    expected: Object.fromEntries(expected),
    received: result.received.map(eventRow),
    wirelog: wireRows(result.wirelog),
  });
}

function print(value: Json): string {
  return `${printed(value, 0)}\n`;
}

/** Prints a value. JSON.stringify would sort keys such as "4" and "129" as numbers; the classic files sort them as strings. */
function printed(value: Json, depth: number): string {
  if (Array.isArray(value)) {
    return block(
      '[',
      value.map((item: Json) => printed(item, depth + 1)),
      ']',
      depth,
    );
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([one], [other]) => (one < other ? -1 : 1));
  return block(
    '{',
    entries.map(([key, member]) => `${JSON.stringify(key)}: ${printed(member, depth + 1)}`),
    '}',
    depth,
  );
}

function block(open: string, items: readonly string[], close: string, depth: number): string {
  if (items.length === 0) return open + close;
  const margin = ' '.repeat(INDENT * depth);
  const inner = margin + ' '.repeat(INDENT);
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${margin}${close}`;
}
