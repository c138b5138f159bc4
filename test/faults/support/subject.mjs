// Functions sent as text by a parent process -> their answers, from a process that holds one implementation of WebSocket
// (or none, to be a peer) and that may be crashed, starved or killed without harm to anybody.
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { runInThisContext } from 'node:vm';
import * as session from './raw-session.mjs';

const [moduleUrl] = process.argv.slice(2);
const implementation = moduleUrl === undefined ? undefined : await import(moduleUrl);

/** What happened on each connection, in the order in which they were made. */
const records = [];

/** Follows one connection. With `mute`, nothing listens on it for errors or anything but its end. */
function watch(ws, { mute = false, echo = true } = {}, name) {
  const record = { ws, name, opens: 0, closes: [], errors: [], messages: 0, octets: 0, sends: 0, told: [], failed: 0 };
  records.push(record);
  ws.on('open', () => record.opens++);
  ws.on('close', (code) => record.closes.push(code));
  if (mute) return record;
  ws.on('error', (error) => record.errors.push(error.code ?? error.message));
  ws.on('message', (data, isBinary) => {
    record.messages++;
    record.octets += data.length;
    if (echo && ws.readyState === 1) send(record, data, { binary: isBinary });
  });
  return record;
}

/** Sends, and notes when its callback is told. */
function send(record, data, options = {}) {
  const number = record.sends++;
  record.ws.send(data, options, (error) => {
    record.told.push(number);
    if (error) record.failed++;
  });
}

const room = {
  kept: {},
  session,
  implementation,
  records,
  watch,
  send,
  net,
  /** Listens on a free port; connections are watched. */
  serve(options = {}, watching = {}) {
    return new Promise((resolve) => {
      const server = new implementation.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
      room.server = server;
      room.unowned = 0;
      server.on('connection', (ws, request) => watch(ws, watching, request.url));
      server.on('connectionError', () => room.unowned++);
      server.on('listening', () => resolve(server.address().port));
    });
  },
  dial(address, options = {}, watching = {}) {
    return watch(new implementation.WebSocket(address, options), watching, new URL(address).pathname);
  },
  /** A record as data. */
  facts({ ws, ...record }) {
    return { ...record, state: ws.readyState };
  },
  /** Memory in use after a collection, in bytes. */
  async memory() {
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    return { held: heapUsed + arrayBuffers, arrayBuffers, rss };
  },
  // Less the one that reads the directory.
  descriptors: () => readdirSync('/proc/self/fd').length - 1,
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  /** Waits until `holds` does; false when it does not within `milliseconds`. */
  async until(holds, milliseconds = 4000) {
    for (const end = performance.now() + milliseconds; performance.now() < end; await room.wait(5)) {
      if (holds()) return true;
    }
    return Boolean(holds());
  },
};

process.on('message', async ({ id, text, args }) => {
  let answer;
  try {
    answer = { value: await runInThisContext(`(${text})`)(room, ...args) };
  } catch (error) {
    answer = { error: error.stack };
  }
  process.send({ id, ...answer });
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
