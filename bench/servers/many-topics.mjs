// One process with topics over an engine, or over none, that subscribes one socket to each of many topics and tells what that took.
import { EventEmitter } from 'node:events';
import { Topics } from '../../dist/topics/index.js';
import { openBroker } from '../../test/topics/chaos/brokers.mjs';
import { answers, ready, settings } from './control.mjs';

const { engine, where, isKept, count } = settings;
const [broker] = engine === undefined ? [undefined] : await openBroker(engine, where, isKept);
const topics = new Topics({ broker, checkInterval: 0 });
const send = () => undefined;
const close = () => undefined;
const sockets = Array.from({ length: count }, () =>
  Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, send, close }),
);

function heapUsed() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed: heap, external } = process.memoryUsage();
  return heap + external;
}

/** Microseconds of processor time and bytes of memory, for all of them. */
answers.subscribe = async () => {
  // Code is compiled, and the engine's client has its buffers.
  for (let i = 0; i < 1000; i++) await topics.subscribe(sockets[0], `warm/${i}`);
  const [bytes, usage] = [heapUsed(), process.cpuUsage()];
  await Promise.all(sockets.map((socket, i) => topics.subscribe(socket, `topic/${i}`)));
  const { user, system } = process.cpuUsage(usage);
  return { micros: user + system, bytes: heapUsed() - bytes };
};
ready(0);
