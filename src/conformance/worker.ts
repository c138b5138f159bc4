// This is a thread of a `Crew`: it plays the cases that it receives, and answers with their results.

import { parentPort } from 'node:worker_threads';
import { ALL_CASES } from './cases/index.js';
import type { Done, Task } from './crew.js';
import { examineClient } from './examine-client.js';
import { examineServer } from './examine-server.js';
import { readHeader } from './handshake.js';
import { call } from './knock.js';
import { PortSocket } from './port-socket.js';
import type { CaseResult } from './result.js';

function play(task: Task): Promise<CaseResult> {
  const one = ALL_CASES.find(({ id }) => id === task.id)!;
  if ('server' in task) {
    const { socket, connected } = call(task.server, task.how);
    return examineServer(one, socket, connected, task.server, task.circumstances);
  }
  const socket = new PortSocket(task.port);
  const raw = Buffer.from(task.asked.raw);
  const asked = { raw, rest: Buffer.from(task.asked.rest), header: readHeader(raw)! };
  return examineClient(one, socket, asked, task.circumstances);
}

// An error in here ends the thread, and so the run.
parentPort!.on('message', ({ number, task }: { number: number; task: Task }) => {
  void play(task).then((result) => parentPort!.postMessage({ number, result } satisfies Done, []));
});
