// `PROXY_SCRIPT` is the script of the page of `wsimd proxy`: it shows rows as they arrive, and their details.

/** JavaScript for the browser, which the page embeds unchanged. It inserts all text as text, never as HTML. */
export const PROXY_SCRIPT: string = String.raw`
'use strict';
const MOST_ROWS = 5000;
const RETRY = 1000;
const INDENT = ' '.repeat(15);
const $ = (id) => document.getElementById(id);
const list = $('list');
const bodies = { messages: $('messages').tBodies[0], wire: $('wire') };
const connections = new Set();
let rows = [];
let view = 'messages';
let socket;
let isPaused = false;
let chosen;

function element(name, text, parent, className) {
  const node = parent.appendChild(document.createElement(name));
  if (text) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function state(name, text) {
  $('state').dataset.state = name;
  $('state').textContent = text;
  $('pause').disabled = name === 'lost';
  $('pause').textContent = isPaused ? 'Resume' : 'Pause';
  $('pause').setAttribute('aria-pressed', String(isPaused));
}

const flow = () => (isPaused ? state('paused', 'Paused: nothing passes') : state('passing', 'Passing'));

function fits(row) {
  const connection = $('connection').value;
  if (connection && row.connection !== Number(connection)) return false;
  if (view === 'wire' ? !row.wire : row.what === 'bytes' || row.isMessage === false) return false;
  const from = $('from').value;
  const kind = $('kind').value;
  const text = $('text').value.toLowerCase();
  if (from && row.from !== from) return false;
  if (kind === 'broken' ? !row.fault : kind && !(row.kind ?? '').startsWith(kind)) return false;
  if (!text) return true;
  const words = view === 'wire' ? row.wire.head + row.wire.rest.join('') : (row.text ?? '') + (row.fault ?? '');
  return words.toLowerCase().includes(text);
}

const clock = (time) => new Date(time).toISOString().slice(11, 23);
const ARROWS = { client: '→', server: '←' };

function addMessage(row) {
  const line = element('tr', '', bodies.messages);
  line.className = (row.what === 'frame' ? row.from : 'about') + (row.fault ? ' broken' : '');
  element('td', clock(row.time), line);
  element('td', '#' + row.connection, line);
  element('td', ARROWS[row.from], line, 'way');
  element('td', row.kind ?? row.what, line, 'kind').title = row.kind ?? '';
  element('td', row.size, line, 'size');
  const content = element('td', '', line, 'content');
  if (row.fault) element('span', row.fault + '  ', content, 'fault');
  content.append(row.text ?? '');
  line.dataset.id = row.id;
}

function addWire(row) {
  const { direction, head, rest, inline } = row.wire;
  const line = element('span', '#' + row.connection + ' ' + head, bodies.wire, 'line ' + direction + (row.fault ? ' broken' : ''));
  const bytes = rest.join('\n' + INDENT);
  if (bytes) line.append(inline ? bytes : '\n' + INDENT + bytes);
  if (row.fault) line.append('\n' + INDENT + '!! ' + row.fault);
  line.append('\n');
  line.dataset.id = row.id;
}

function add(news) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  for (const row of news) {
    rows.push(row);
    if (!connections.has(row.connection)) {
      connections.add(row.connection);
      element('option', 'Connection ' + row.connection, $('connection')).value = row.connection;
    }
    if (fits(row)) (view === 'wire' ? addWire : addMessage)(row);
  }
  if (rows.length > MOST_ROWS) {
    rows = rows.slice(-MOST_ROWS);
    const oldest = rows[0].id;
    const body = bodies[view];
    while (body.firstElementChild && Number(body.firstElementChild.dataset.id) < oldest) body.firstElementChild.remove();
  }
  empty();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function empty() {
  const isEmpty = bodies[view].childElementCount === 0;
  $('nothing').hidden = !isEmpty;
  if (isEmpty) $('nothing').textContent = rows.length > 0 ? 'None of the rows fits.' : 'Nothing has passed yet. Connect a client to the proxy.';
  $('messages').hidden = isEmpty || view !== 'messages';
  $('wire').hidden = isEmpty || view !== 'wire';
}

function redraw() {
  for (const body of Object.values(bodies)) body.replaceChildren();
  const all = rows;
  rows = [];
  add(all);
  list.scrollTop = list.scrollHeight;
}

async function show(id) {
  chosen?.classList.remove('chosen');
  chosen = bodies[view].querySelector('[data-id="' + id + '"]');
  chosen?.classList.add('chosen');
  const detail = $('detail');
  const response = await fetch('/row?id=' + id).catch(() => undefined);
  const told = response?.ok ? await response.json() : undefined;
  const row = told?.row ?? rows.find((one) => one.id === id);
  detail.replaceChildren();
  detail.hidden = false;
  $('split').classList.add('open');
  const words = [ARROWS[row.from], row.kind ?? row.what, row.size].filter(Boolean).join(' ');
  const title = element('h2', '', detail);
  element('span', '#' + row.connection + ' ' + clock(row.time) + ' ' + words, title);
  const close = element('button', 'Close', title);
  close.type = 'button';
  close.onclick = hide;
  if (row.fault) element('p', row.fault, detail, 'fault');
  const part = (name, text, className) => {
    if (!text) return;
    element('h3', name, detail);
    element('pre', text, detail, className);
  };
  part('Request', told?.heads?.request);
  part('Response', told?.heads?.response);
  part('Content', told?.text ?? (row.what === 'note' || row.what === 'end' ? row.text : ''));
  part('Bytes', told?.hex, 'hex');
  if (row.wire) part('Wire log', row.wire.head + '\n' + row.wire.rest.join('\n'));
  if (!told) element('p', 'Its content is not kept any more.', detail);
}

function hide() {
  $('detail').hidden = true;
  $('split').classList.remove('open');
  chosen?.classList.remove('chosen');
}

function connect() {
  socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/');
  socket.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    if (told.target !== undefined) {
      rows = [];
      redraw();
    }
    if (told.paused !== undefined) isPaused = told.paused;
    if (told.skipped) add([{ id: 0, connection: told.rows[0].connection, time: told.rows[0].time, what: 'note', text: told.skipped + ' rows were too fast to be shown' }]);
    if (told.rows) add(told.rows);
    flow();
  };
  socket.onclose = () => {
    state('lost', 'The proxy does not answer');
    setTimeout(connect, RETRY);
  };
}

$('pause').onclick = () => socket.send(isPaused ? 'resume' : 'pause');
$('clear').onclick = () => {
  rows = [];
  hide();
  redraw();
};
$('choose').oninput = redraw;
$('choose').onsubmit = (event) => event.preventDefault();
for (const tab of document.querySelectorAll('[data-view]')) {
  tab.onclick = () => {
    view = tab.dataset.view;
    for (const other of document.querySelectorAll('[data-view]')) other.setAttribute('aria-selected', String(other === tab));
    redraw();
  };
}
list.onclick = ({ target }) => {
  const row = target.closest('[data-id]');
  if (row && Number(row.dataset.id) > 0) show(Number(row.dataset.id));
};
list.onkeydown = (event) => {
  const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
  const next = step && chosen?.isConnected ? chosen[step] : undefined;
  if (!next) return;
  event.preventDefault();
  next.scrollIntoView({ block: 'nearest' });
  show(Number(next.dataset.id));
};
document.onkeydown = ({ key }) => {
  if (key === 'Escape') hide();
};
connect();
`;
