// One of two processes with topics over an engine: it publishes at a pace, or counts what comes for one subscriber.
import { EventEmitter } from 'node:events';
import { Topics } from '../../dist/topics/index.js';
import { openBroker } from '../../test/topics/chaos/brokers.mjs';
import { done, ready, settings } from './control.mjs';
import { start } from '../lib/pace.mjs';

const { engine, where, isKept, role, pace, length, burst } = settings;
const [broker] = await openBroker(engine, where, isKept);
const topics = new Topics({ broker });
if (role === 'subscriber') {
  // A socket that costs next to nothing: the relay is measured, and the fan-out has figures of its own.
  const socket = Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, close: () => undefined });
  socket.send = () => void done.count++;
  await topics.subscribe(socket, 'all');
} else {
  const message = Buffer.alloc(length, 'x');
  void start[pace](() => {
    done.count += burst;
    return Array.from({ length: burst }, () => topics.publish('all', message));
  });
}
ready(0);
