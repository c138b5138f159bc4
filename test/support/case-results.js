import { RESULT } from '../vectors/wslay-case-2.7.js';
/** A result that passes, but for `changes`. */
export function caseResult(id, changes = {}) {
    return { ...RESULT, id, ...changes };
}
/** One agent's results; `selected` defaults to the cases that have one. */
export function agentReport(name, results, selected = results.map(({ id }) => id)) {
    return { name, selected, results: new Map(results.map((result) => [result.id, { ...result, agent: name }])) };
}
/** A run, written at a fixed time. */
export function runReport(...agents) {
    return { agents, written: new Date('2026-01-02T03:04:05.678Z') };
}
/** An excerpt of text. */
export function excerpt(text) {
    const octets = Buffer.from(text);
    return { length: octets.length, head: octets.subarray(0, 256) };
}
/** The markup between every `<tag ...>` and `</tag>`, in order. */
export function elements(page, tag) {
    return [...page.matchAll(new RegExp(`<${tag}(?: [^>]*)?>(.*?)</${tag}>`, 'gs'))].map((match) => match[1]);
}
/** The text of some markup as a reader sees it, white space as it stands. */
export function textContent(markup) {
    return markup
        .replace(/<[^>]*>/g, '')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&amp;', '&');
}
