// `badgeJson` writes the JSON of a badge in the format of a shields.io endpoint.

import type { Refusal } from './judgement.js';
import type { Report } from './report.js';

/** The JSON of a badge with the number of accepted cases and of all cases; ends with a line feed. */
export function badgeJson(report: Report, refused: readonly Refusal[]): string {
  const total = report.agents.reduce((sum, { selected }) => sum + selected.length, 0);
  const good = total - refused.length;
  const color = total > 0 && good === total ? 'brightgreen' : good >= 0.9 * total && total > 0 ? 'yellow' : 'red';
  return `${JSON.stringify({ schemaVersion: 1, label: 'WebSocket conformance', message: `${good} of ${total}`, color })}\n`;
}
