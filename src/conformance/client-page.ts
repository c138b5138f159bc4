// `clientPage` writes the page of the examiner of clients, which makes the browser that opens it a testee.

import type { CaseResult } from './result.js';
import { markup, page } from './report/html.js';
import { standingOf, STANDINGS } from './report/report.js';
import { BASE_STYLE } from './report/style.js';
import { STANDING_TEXT } from './report/verdict.js';

const STYLE = `${BASE_STYLE}
main { max-width: 46rem; }
main > * + * { margin-top: 1.25rem; }
pre { background: var(--raised); padding: 0.75rem 1rem; overflow-x: auto; }
th, td { padding: 0.2rem 0.75rem 0.2rem 0; }
button { font: inherit; padding: 0.35rem 1rem; }
`;

const SCRIPT = `
const base = location.protocol.replace('http', 'ws') + '//' + location.host;
const button = document.querySelector('button');
const said = document.querySelector('output');
const agent = new URLSearchParams(location.search).get('agent') || browserName();

function browserName() {
  const brands = navigator.userAgentData && navigator.userAgentData.brands;
  const brand = brands && brands.find(({ brand }) => !/not.?a.?brand/i.test(brand) && brand !== 'Chromium') || brands && brands.find(({ brand }) => brand === 'Chromium');
  if (brand) return brand.brand + ' ' + brand.version;
  const found = /(Firefox|Version)\\/(\\d+)/.exec(navigator.userAgent);
  return found ? found[0].replace('Version', 'Safari').replace('/', ' ') : 'Browser';
}

/** Echoes until the connection is closed; resolves with the last message. */
function converse(path) {
  return new Promise((resolve) => {
    let last = null;
    let socket;
    try { socket = new WebSocket(base + path); } catch { resolve(null); return; }
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => { last = data; socket.send(data); };
    socket.onclose = () => resolve(last);
  });
}

async function examine() {
  button.disabled = true;
  const name = encodeURIComponent(agent);
  const count = Number(await converse('/getCaseCount'));
  for (let number = 1; number <= count; number++) {
    said.textContent = 'Case ' + number + ' of ' + count;
    await converse('/runCase?case=' + number + '&agent=' + name);
  }
  await converse('/updateReports?agent=' + name);
  said.textContent = 'Done: ' + count + ' cases as "' + agent + '". The report is written.';
  button.disabled = false;
}

async function show() {
  try {
    const { agents, running } = await (await fetch('/progress')).json();
    const body = document.querySelector('tbody');
    body.replaceChildren(...agents.map(({ agent, done, total, standings }) => row(agent, done + ' of ' + total, standings)));
    document.querySelector('#running').textContent = running.length === 0 ? 'No case is running.' : 'Running: ' + running.join(', ');
  } catch {
    document.querySelector('#running').textContent = 'The examiner has ended its run.';
  }
}

function row(...cells) {
  const line = document.createElement('tr');
  for (const text of cells) line.append(Object.assign(document.createElement('td'), { textContent: text }));
  return line;
}

button.onclick = examine;
show();
setInterval(show, 1000);
if (new URLSearchParams(location.search).has('run')) examine();
`;

/** The HTML of the page; `url` is the address of the examiner. */
export function clientPage(url: string, cases: number): string {
  const body = markup`<main>
    <h1>WebSocket conformance: clients</h1>
    <p>This server examines WebSocket clients, by ${cases} cases. A client asks for the number of cases, runs each of them,
      sends every message back as it came, text as text and binary as binary, and then asks for the report:</p>
    <pre>${url}/getCaseCount
${url}/runCase?case=N&amp;agent=NAME        for N from 1 to the count
${url}/updateReports?agent=NAME</pre>
    <p><button type="button">Examine this browser</button> <output></output></p>
    <h2>Progress</h2>
    <p id="running">No case is running.</p>
    <table><thead><tr><th>Agent</th><th>Cases</th><th>Verdicts</th></tr></thead><tbody></tbody></table>
  </main>`;
  return page('WebSocket conformance', STYLE, body, SCRIPT, "connect-src 'self'");
}

/** The progress of the run as JSON, which the page requests. */
export function progressJson(
  results: ReadonlyMap<string, ReadonlyMap<string, CaseResult>>,
  running: readonly string[],
  total: number,
): string {
  const agents = [...results].map(([agent, own]) => {
    const standings = [...own.values()].map((result) => standingOf(result));
    const words = STANDINGS.filter((one) => standings.includes(one)).map(
      (one) => `${standings.filter((other) => other === one).length} ${STANDING_TEXT[one].label}`,
    );
    return { agent, done: own.size, total, standings: words.join(', ') };
  });
  return JSON.stringify({ agents, running });
}
