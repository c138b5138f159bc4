// This thread runs one worker's part of a load: `hireThread` of `crew.ts` starts it and gives it orders.
import { parentPort, workerData } from 'node:worker_threads';
import { hireHere, type Order } from './crew.js';
import type { Plan } from './plan.js';

const port = parentPort!;
const hand = hireHere(
  workerData as Plan,
  (told) => port.postMessage(told),
  (error) => {
    throw error;
  },
);
port.on('message', (order: Order) => hand.order(order));
