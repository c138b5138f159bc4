// `page` returns the HTML of the page of `wsimd serve`, which loads nothing from other origins.
import { createHash } from 'node:crypto';
import { PAGE_SCRIPT } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';

/** The rows of the counters: the label of each, and the key of its numbers in `ws.statistics`. */
const COUNTERS: readonly (readonly [label: string, key: string])[] = [
  ['Messages', 'messages'],
  ['Payload bytes', 'octets'],
  ['Text frames', 'frames.1'],
  ['Binary frames', 'frames.2'],
  ['Continuation frames', 'frames.0'],
  ['Ping frames', 'frames.9'],
  ['Pong frames', 'frames.10'],
  ['Close frames', 'frames.8'],
];

/** The page's Content-Security-Policy: its own script and style, requests to its own server, and WebSockets. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `script-src '${digest(PAGE_SCRIPT)}'`,
  `style-src '${digest(PAGE_STYLE)}'`,
  "connect-src 'self' ws: wss:",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** Escapes text for HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** @param facts one line about the server, which the page shows below the counters */
export function page(facts: string): string {
  const rows = COUNTERS.map(
    ([label, key]) => `<tr class="none" data-count="${key}"><th scope="row">${label}</th><td>0</td><td>0</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>wsimd echo server</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
<header>
  <h1>wsimd echo</h1>
  <p id="state" role="status">Not connected</p>
  <button id="connect" type="button">Connect</button>
</header>
<main>
  <div>
  <section aria-labelledby="send-title">
    <h2 id="send-title">Send</h2>
    <form id="text-form">
      <label for="text">Text; Ctrl+Enter sends it, and empty text is a message too</label>
      <textarea id="text" spellcheck="false">Hello</textarea>
      <div class="row">
        <button class="main" data-sends disabled>Send text</button>
        <button id="repeat" type="button" aria-pressed="false" data-sends disabled>Send 4 a second</button>
      </div>
    </form>
    <form id="file-form">
      <label for="file">File, sent as one binary message</label>
      <div class="row">
        <div><input id="file" type="file" required></div>
        <button data-sends disabled>Send file</button>
      </div>
    </form>
    <form id="burst-form">
      <div class="row">
        <div><label for="count">Messages</label><input id="count" type="number" min="1" max="100000" value="1000" required></div>
        <div><label for="bytes">Bytes each</label><input id="bytes" type="number" min="0" max="65536" value="125" required></div>
        <button id="burst" disabled>Send burst</button>
      </div>
      <p id="burst-result" class="quiet" role="status">All at once; the time runs until the last echo.</p>
    </form>
  </section>
  <section aria-labelledby="trips-title">
    <h2 id="trips-title">Round trips</h2>
    <figure>
      <svg id="chart" role="img" aria-labelledby="trips-title trips"></svg>
      <figcaption id="trips">From sending a message until its echo; bursts are left out.</figcaption>
    </figure>
  </section>
  </div>
  <div>
  <section aria-labelledby="counters-title">
    <h2 id="counters-title">This connection, as the server counts it</h2>
    <table>
      <tr><th scope="col">Since it opened</th><th scope="col">received</th><th scope="col">sent</th></tr>
      ${rows.join('\n      ')}
    </table>
    <p class="quiet">${escapeHtml(facts)}</p>
  </section>
  <section aria-labelledby="echoes-title">
    <h2 id="echoes-title">Echoes</h2>
    <p id="no-echoes" class="quiet">None yet.</p>
    <ol id="echoes" tabindex="0" aria-labelledby="echoes-title"></ol>
  </section>
  </div>
</main>
<script>${PAGE_SCRIPT}</script>
</html>
`;
}
