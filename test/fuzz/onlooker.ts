// `look` posts a value to a worker, which looks for marks in all of the memory that comes with it.
import { Worker } from 'node:worker_threads';

/** The worker's program: it gets what `postMessage` copies, and tells of nothing else. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ value, marks }) => {
    const memories = (Array.isArray(value) ? value : [value]).map((part) => part instanceof ArrayBuffer ? part : part.buffer);
    parentPort.postMessage(marks.some((mark) => memories.some((memory) => Buffer.from(memory).includes(mark))));
  });
`;

let worker: Worker | undefined;
const waiting: ((isMarked: boolean) => void)[] = [];

function start(): Worker {
  const made = new Worker(PROGRAM, { eval: true, stdout: false });
  made.on('message', (isMarked: boolean) => {
    waiting.shift()!(isMarked);
    // Idle, it keeps no process alive.
    if (waiting.length === 0) made.unref();
  });
  return made;
}

/** Resolves with whether one of the marks stands anywhere in the memory of the value, as a worker gets it. */
export function look(value: unknown, marks: readonly Uint8Array[]): Promise<boolean> {
  worker ??= start();
  worker.ref();
  const told = new Promise<boolean>((resolve) => waiting.push(resolve));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage({ value, marks });
  return told;
}
