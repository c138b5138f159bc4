// `PAGE_SCRIPT` is the script of the page of `wsimd serve`: it sends messages, times their echoes and draws the times.

/**
 * JavaScript for the browser, which the page embeds unchanged. The page names its connection in the query, and
 * requests that connection's counters over HTTP, because a frame with the request would itself be counted.
 */
export const PAGE_SCRIPT: string = String.raw`
'use strict';
const TRIPS = 120;
const ECHOES = 50;
const REPEAT_EVERY = 250;
const REFRESH_AFTER = 150;
const SVG = 'http://www.w3.org/2000/svg';

const $ = (id) => document.getElementById(id);
const number = (value, digits = 0) => value.toLocaleString('en', { maximumFractionDigits: digits });
const plural = (value, word) => number(value) + ' ' + word + (value === 1 ? '' : 's');
const address = location.origin.replace(/^http/, 'ws') + location.pathname;

let socket;
let id;
let burst;
let repeating;
let refreshing;
// Messages that were sent and have not come back, the oldest first.
let waiting = [];
// Round trips in milliseconds, the oldest first.
const trips = [];

function show(state, text) {
  $('state').dataset.state = state;
  $('state').textContent = text;
  const isOpen = state === 'open';
  $('connect').textContent = socket ? 'Disconnect' : 'Connect';
  for (const control of document.querySelectorAll('[data-sends]')) control.disabled = !isOpen;
  $('burst').disabled = !isOpen || burst !== undefined;
}

function connect() {
  id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const own = (socket = new WebSocket(address + '?id=' + id));
  own.binaryType = 'arraybuffer';
  let wasOpen = false;
  own.onopen = () => {
    wasOpen = true;
    show('open', 'Connected to ' + address);
    refresh();
  };
  own.onmessage = ({ data }) => received(data);
  own.onclose = ({ code, reason }) => {
    socket = burst = undefined;
    waiting = [];
    repeat(false);
    const lost = code !== 1000;
    const why = wasOpen ? 'Closed with code ' + code + (reason ? ': ' + reason : '') : 'The server does not answer';
    show(lost ? 'lost' : 'closed', why);
    if (wasOpen) refresh();
  };
  show('connecting', 'Connecting to ' + address);
}

// data is a string or an ArrayBuffer.
function send(data, inBurst = false) {
  waiting.push({ data, inBurst, at: performance.now() });
  socket.send(data);
}

function received(data) {
  const now = performance.now();
  const sent = waiting.shift();
  const same = sent !== undefined && isSame(sent.data, data);
  if (sent?.inBurst) {
    burst.same &&= same;
    if (--burst.left === 0) endBurst(now);
  } else {
    const trip = sent === undefined ? undefined : now - sent.at;
    if (trip !== undefined) {
      trips.push(trip);
      if (trips.length > TRIPS) trips.shift();
      draw();
    }
    list(data, trip, same);
  }
  refreshing ??= setTimeout(refresh, REFRESH_AFTER);
}

function isSame(sent, echo) {
  if (typeof sent === 'string' || typeof echo === 'string') return sent === echo;
  if (sent.byteLength !== echo.byteLength) return false;
  const bytes = new Uint8Array(sent);
  return new Uint8Array(echo).every((byte, at) => byte === bytes[at]);
}

function element(name, text, parent) {
  const node = parent.appendChild(document.createElement(name));
  node.textContent = text;
  return node;
}

function list(data, trip, same) {
  const item = document.createElement('li');
  const isText = typeof data === 'string';
  const length = isText ? new TextEncoder().encode(data).length : data.byteLength;
  const facts = [isText ? 'text' : 'binary', plural(length, 'byte')];
  if (trip !== undefined) facts.push(number(trip, 2) + ' ms');
  facts.push(same ? 'as sent' : 'not as sent');
  item.classList.toggle('differs', !same);
  element('p', facts.join(' · '), item);
  const preview = isText ? data.slice(0, 300) : hex(new Uint8Array(data, 0, Math.min(length, 32)));
  const whole = isText ? preview.length === data.length : length <= 32;
  if (length > 0) element('pre', preview + (whole ? '' : ' …'), item);
  $('echoes').prepend(item);
  if ($('echoes').childElementCount > ECHOES) $('echoes').lastElementChild.remove();
  $('no-echoes').hidden = true;
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

function beginBurst(count, bytes) {
  burst = { count, left: count, begun: performance.now(), same: true };
  $('burst').disabled = true;
  $('burst-result').textContent = 'Sending ' + plural(count, 'message') + ' …';
  const message = 'x'.repeat(bytes);
  for (let sent = 0; sent < count; sent++) send(message, true);
}

function endBurst(now) {
  const { count, begun, same } = burst;
  const seconds = (now - begun) / 1000;
  burst = undefined;
  $('burst').disabled = false;
  const rate = number(count / Math.max(seconds, 0.0001)) + ' messages/s';
  $('burst-result').textContent =
    plural(count, 'message') + ' there and back in ' + number(seconds, 3) + ' s: ' + rate + (same ? '' : ', not all as sent');
}

function repeat(on) {
  clearInterval(repeating);
  repeating = on ? setInterval(() => send($('text').value), REPEAT_EVERY) : undefined;
  $('repeat').setAttribute('aria-pressed', String(on));
}

// The server counts; the page only asks.
async function refresh() {
  clearTimeout(refreshing);
  refreshing = undefined;
  const response = await fetch('/statistics?id=' + id).catch(() => undefined);
  if (!response?.ok) return;
  const counts = await response.json();
  for (const row of document.querySelectorAll('[data-count]')) {
    const [key, opcode] = row.dataset.count.split('.');
    const values = [counts.received, counts.sent].map((way) => (opcode === undefined ? way[key] : way[key][opcode]));
    values.forEach((value, at) => (row.cells[1 + at].textContent = number(value)));
    row.classList.toggle('none', values.every((value) => value === 0));
  }
}

function shape(name, attributes, text = '') {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.textContent = text;
  return node;
}

// The least of 1, 2, 5, 10, ... that is not below the value.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * power >= value * 0.9999) * power;
}

function draw() {
  const chart = $('chart');
  const width = chart.clientWidth;
  const height = chart.clientHeight;
  const left = 52;
  const bottom = height - 8;
  const top = roundUp(Math.max(0.1, ...trips));
  const x = (at) => left + 4 + (at * (width - left - 12)) / (TRIPS - 1);
  const y = (trip) => bottom - (trip / top) * (bottom - 12);
  const shapes = [0, top / 2, top].flatMap((value) => [
    shape('line', { class: 'grid', x1: left, x2: width, y1: y(value), y2: y(value) }),
    shape('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, number(value, 3) + ' ms'),
  ]);
  if (trips.length > 0) {
    shapes.push(shape('polyline', { points: trips.map((trip, at) => x(at) + ',' + y(trip)).join(' ') }));
    shapes.push(shape('circle', { cx: x(trips.length - 1), cy: y(trips.at(-1)), r: 3 }));
    const median = [...trips].sort((a, b) => a - b)[trips.length >> 1];
    const facts = { last: trips.at(-1), median, longest: Math.max(...trips) };
    const text = Object.entries(facts).map(([name, value]) => name + ' ' + number(value, 2) + ' ms');
    $('trips').textContent = text.join(' · ') + ', over ' + plural(trips.length, 'message');
  }
  chart.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
  chart.replaceChildren(...shapes);
}

$('connect').onclick = () => (socket ? socket.close(1000) : connect());
$('text-form').onsubmit = (event) => {
  event.preventDefault();
  if (socket?.readyState === WebSocket.OPEN) send($('text').value);
};
$('text').onkeydown = (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('text-form').requestSubmit();
};
$('repeat').onclick = () => repeat(repeating === undefined);
$('file-form').onsubmit = async (event) => {
  event.preventDefault();
  const [file] = $('file').files;
  const bytes = await file?.arrayBuffer();
  if (bytes !== undefined && socket?.readyState === WebSocket.OPEN) send(bytes);
};
$('burst-form').onsubmit = (event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN || burst !== undefined) return;
  beginBurst($('count').valueAsNumber, $('bytes').valueAsNumber);
};
new ResizeObserver(draw).observe($('chart'));
connect();
`;
