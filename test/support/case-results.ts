// Results to report on, made from the one of wslay in case 2.7.
import type { CaseResult, Excerpt, TrafficStats } from '../../src/conformance/result.js';
import type { AgentReport, Report } from '../../src/conformance/report/report.js';
import { RESULT } from '../vectors/wslay-case-2.7.js';

/** A result that passes, but for `changes`. */
export function caseResult(id: string, changes: Partial<CaseResult> = {}): CaseResult {
  return { ...RESULT, id, ...changes };
}

/** One agent's results; `selected` defaults to the cases that have one. */
export function agentReport(
  name: string,
  results: readonly CaseResult[],
  selected: readonly string[] = results.map(({ id }) => id),
): AgentReport {
  return { name, selected, results: new Map(results.map((result) => [result.id, { ...result, agent: name }])) };
}

/** A run, written at a fixed time. */
export function runReport(...agents: AgentReport[]): Report {
  return { agents, written: new Date('2026-01-02T03:04:05.678Z') };
}

/** What 1000 messages of 16 bytes made, compressed and echoed. */
export const TRAFFIC: TrafficStats = {
  outgoingOctetsWireLevel: 23_589,
  outgoingOctetsWebSocketLevel: 17_589,
  outgoingOctetsAppLevel: 16_000,
  outgoingCompressionRatio: 1.099,
  outgoingWebSocketOverhead: 0.341,
  outgoingWebSocketFrames: 1000,
  outgoingWebSocketMessages: 1000,
  preopenOutgoingOctetsWireLevel: 279,
  incomingOctetsWireLevel: 11_618,
  incomingOctetsWebSocketLevel: 9618,
  incomingOctetsAppLevel: 16_000,
  incomingCompressionRatio: 0.601,
  incomingWebSocketOverhead: 0.208,
  incomingWebSocketFrames: 1000,
  incomingWebSocketMessages: 1000,
  preopenIncomingOctetsWireLevel: 203,
};

/** An excerpt of text. */
export function excerpt(text: string): Excerpt {
  const octets = Buffer.from(text);
  return { length: octets.length, head: octets.subarray(0, 256) };
}

/** The markup between every `<tag ...>` and `</tag>`, in order. */
export function elements(page: string, tag: string): string[] {
  return [...page.matchAll(new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, 'gs'))].map((match) => match[1]);
}

/** The text of some markup as a reader sees it, white space as it stands. */
export function textContent(markup: string): string {
  return markup
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
