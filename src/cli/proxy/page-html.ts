// `proxyPage` returns the HTML of the page of `wsimd proxy`, which loads nothing from other origins.
import { markup, page } from '../../conformance/report/html.js';
import { BASE_STYLE } from '../../conformance/report/style.js';
import { KINDS } from '../traffic/frame.js';
import { PROXY_SCRIPT } from './page-script.js';

const STYLE: string = `${BASE_STYLE}
body { font-size: 0.9375rem; }
main { max-width: none; padding: 1rem 1.25rem 2rem; height: 100vh; display: flex; flex-direction: column; gap: 0.75rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; }
h1 { font-size: 1.125rem; font-weight: 650; }
header p { flex: 1; min-width: 8rem; color: var(--quiet); }
.target { overflow-wrap: anywhere; }
#state::before { content: ''; display: inline-block; width: 0.6rem; height: 0.6rem; margin-right: 0.5rem; border-radius: 50%; background: var(--failed); }
#state[data-state='passing']::before { background: var(--ok); }
#state[data-state='paused']::before { background: var(--nonStrict); }
button, select, input { padding: 0.35rem 0.7rem; border: 1px solid var(--line); border-radius: 4px; background: var(--raised); color: inherit; font: inherit; }
button { cursor: pointer; white-space: nowrap; }
button:hover:not(:disabled), select:hover { border-color: var(--quiet); }
button[aria-pressed='true'], button[aria-selected='true'] { border-color: var(--link); color: var(--link); }
button:disabled { opacity: 0.5; cursor: default; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
form input { flex: 1 1 10rem; min-width: 6rem; }
#split { flex: 1; min-height: 0; display: grid; gap: 0.75rem; grid-template-columns: minmax(0, 1fr); }
#split.open { grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
#list, #detail { min-height: 0; overflow: auto; border: 1px solid var(--line); border-radius: 6px; }
#list table { width: 100%; table-layout: fixed; font-size: 0.8125rem; }
#list th { position: sticky; top: 0; background: var(--raised); font-weight: 500; color: var(--quiet); z-index: 1; }
#list th, #list td { padding: 0.2rem 0.6rem; border-bottom: 1px solid var(--line); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#list tr[data-id] { cursor: pointer; }
#list tr[data-id]:hover { background: var(--raised); }
#list tr.chosen { background: var(--informational-tint); }
col.time { width: 7.5rem; } col.number { width: 3.5rem; } col.way { width: 2.5rem; } col.kind { width: 9rem; } col.size { width: 8rem; }
td.content { font-family: var(--mono); }
td:nth-child(1), td.size { font-variant-numeric: tabular-nums; }
td.size, th.size { text-align: right !important; }
tr.client td.way { color: var(--sent); } tr.server td.way { color: var(--received); }
tr.about td { color: var(--quiet); }
tr.broken td { background: var(--failed-tint); }
.fault { color: var(--failed-text); font-family: system-ui, sans-serif; }
.log { padding: 0.6rem 0.75rem; font-size: 0.75rem; line-height: 1.55; white-space: pre; }
.log .line { display: block; cursor: pointer; }
.log .received { color: var(--received); }
.log .sent { color: var(--sent); }
.log .broken { background: var(--failed-tint); color: var(--failed-text); }
#detail { padding: 0.75rem; }
#detail h2 { font-size: 0.9375rem; display: flex; gap: 1rem; justify-content: space-between; align-items: start; }
#detail h3 { margin: 0.75rem 0 0.25rem; font-size: 0.8125rem; color: var(--quiet); font-weight: 500; }
#detail pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--raised); padding: 0.5rem 0.6rem; border-radius: 4px; }
#detail pre.hex { white-space: pre; overflow-x: auto; overflow-wrap: normal; }
#nothing { padding: 1.5rem; color: var(--quiet); }
@media (max-width: 48rem) {
  main { height: auto; min-height: 100vh; padding: 1rem; }
  #split.open { grid-template-columns: minmax(0, 1fr); }
  #list { max-height: 65vh; }
  #list table { min-width: 46rem; }
}
`;

/** @param target the target's URL, which the header shows */
export function proxyPage(target: string): string {
  const body = markup`<main>
    <header>
      <h1>wsimd proxy</h1>
      <p id="state" role="status">Not connected</p>
      <span class="target">to ${target}</span>
      <button id="pause" type="button" aria-pressed="false" disabled>Pause</button>
      <button id="clear" type="button">Clear</button>
    </header>
    <form id="choose" aria-label="Choose rows">
      <span role="tablist" aria-label="View">
        <button type="button" role="tab" data-view="messages" aria-selected="true">Messages</button>
        <button type="button" role="tab" data-view="wire" aria-selected="false">Wire log</button>
      </span>
      <select id="connection" aria-label="Connection"><option value="">All connections</option></select>
      <select id="from" aria-label="Direction">
        <option value="">Both directions</option>
        <option value="client">→ to the server</option>
        <option value="server">← to the client</option>
      </select>
      <select id="kind" aria-label="Kind">
        <option value="">All kinds</option>
        ${KINDS.map((kind) => markup`<option>${kind}</option>`)}
        <option value="broken">broken rules</option>
      </select>
      <input id="text" type="search" placeholder="Text in it" aria-label="Text in it" />
    </form>
    <div id="split">
      <div id="list" tabindex="0" aria-label="Rows">
        <p id="nothing">Nothing has passed yet. Connect a client to the proxy.</p>
        <table id="messages" hidden>
          <colgroup><col class="time" /><col class="number" /><col class="way" /><col class="kind" /><col class="size" /><col /></colgroup>
          <thead><tr><th>Time</th><th>#</th><th></th><th>Kind</th><th class="size">Size</th><th>Content</th></tr></thead>
          <tbody></tbody>
        </table>
        <pre id="wire" class="log" hidden></pre>
      </div>
      <section id="detail" hidden></section>
    </div>
  </main>`;
  return page('wsimd proxy', STYLE, body, PROXY_SCRIPT, "connect-src 'self'");
}
