// One of two processes with topics over an engine: it publishes at a steady pace, or counts what comes for one subscriber.
import { EventEmitter } from 'node:events';
import { Topics } from '../../dist/topics/index.js';
import { openBroker } from '../../test/topics/chaos/brokers.mjs';
import { done, ready, settings } from './control.mjs';
import { atSteadyPace } from '../lib/pace.mjs';

const { engine, where, isKept, role, length, burst } = settings;
const [broker] = await openBroker(engine, where, isKept);
const topics = new Topics({ broker });
if (role === 'subscriber') {
  // A socket that costs next to nothing: the relay is measured, and the fan-out has figures of its own.
  const socket = Object.assign(new EventEmitter(), { readyState: 1, bufferedAmount: 0, close: () => undefined });
  socket.send = () => void done.count++;
  await topics.subscribe(socket, 'all');
} else {
  const message = Buffer.alloc(length, 'x');
  atSteadyPace(() => {
    for (let i = 0; i < burst; i++) void topics.publish('all', message);
    done.count += burst;
  });
}
ready(0);
