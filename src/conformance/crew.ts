// `Crew` is a set of worker threads that play the cases of compressed messages, which take nearly all the time of a run.

import type { Duplex } from 'node:stream';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Case } from './case.js';
import type { Circumstances } from './examination.js';
import type { Asked } from './examine-client.js';
import { carry } from './port-socket.js';
import type { CaseResult } from './result.js';
import { CannotRunError } from './select.js';
import type { Server, ServerRun } from './server-plan.js';
import { messagesOf } from './shares.js';

/** A case that a worker plays: with a server, or over the socket of a client that requested it. */
export type Task = { id: string; circumstances: Circumstances } & (
  { server: Server; how: Pick<ServerRun, 'tls' | 'http2'> } | { port: MessagePort; asked: Pick<Asked, 'raw' | 'rest'> }
);

/** A worker's answer to a task. */
export interface Done {
  number: number;
  result: CaseResult;
}

/**
 * Checks a number of workers.
 * @throws CannotRunError unless it is an integer from 0 to 64
 */
export function checkWorkers(workers: number): void {
  if (!Number.isInteger(workers) || workers < 0 || workers > 64)
    throw new CannotRunError('workers is a whole number from 0 to 64.');
}

/** Whether a worker plays the case. */
export function isHeavy({ exam }: Case): boolean {
  return exam.kind === 'compression';
}

/** A worker that has this many cases more than the least busy one plays no other, even if it has made its messages. */
const BUSY = 2;

/** One thread, and the cases that it plays. */
class Member {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (result: CaseResult) => void; reject: (error: unknown) => void }>();
  /** The names of the messages that it has made. */
  readonly knows: Set<string> = new Set();
  #count = 0;

  constructor() {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url));
    this.#worker.on('message', ({ number, result }: Done) => {
      this.#waiting.get(number)?.resolve(result);
      this.#waiting.delete(number);
    });
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('The worker has ended.')));
  }

  get busy(): number {
    return this.#waiting.size;
  }

  play(task: Task): Promise<CaseResult> {
    const number = this.#count++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, task }, 'port' in task ? [task.port] : []);
    });
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  end(): void {
    void this.#worker.terminate();
  }
}

/** Worker threads; each starts with its first case. */
export class Crew {
  readonly size: number;
  readonly #members: Member[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** Plays a case with a server, on the worker of this number. */
  drive(
    worker: number,
    one: Case,
    server: Server,
    how: Pick<ServerRun, 'tls' | 'http2'>,
    circumstances: Circumstances,
  ): Promise<CaseResult> {
    const member = (this.#members[worker] ??= new Member());
    return member.play({ id: one.id, circumstances, server, how });
  }

  /** Plays a case with the client that requested it, whose socket stays in this thread. */
  serve(one: Case, socket: Duplex, { raw, rest }: Asked, circumstances: Circumstances): Promise<CaseResult> {
    const { port1: here, port2: port } = new MessageChannel();
    carry(socket, here);
    return this.#memberFor(one).play({ id: one.id, circumstances, port, asked: { raw, rest } });
  }

  /** The member that has made the messages of the case, unless another has much less to do. */
  #memberFor(one: Case): Member {
    const messages = messagesOf(one);
    const byWork = [...this.#members].sort((some, other) => some.busy - other.busy);
    const knowing = byWork.find(({ knows }) => knows.has(messages));
    const isFull = byWork.length === this.size;
    if (knowing !== undefined && knowing.busy < (isFull ? byWork[0].busy : 0) + BUSY) return knowing;
    const member = isFull || byWork.at(0)?.busy === 0 ? byWork[0] : new Member();
    if (!this.#members.includes(member)) this.#members.push(member);
    member.knows.add(messages);
    return member;
  }

  /** Ends all workers, and rejects the cases that they play. */
  end(): void {
    for (const member of this.#members) member.end();
  }
}
