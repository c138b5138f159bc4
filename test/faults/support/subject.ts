// An implementation's module -> a process of its own, told by functions what to do, and followed to its end.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import type net from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  implementations,
  type Client,
  type Exports,
  type Name,
  type SendCallback,
  type Server,
} from '../../node/contract/implementations.js';

type Options = Record<string, unknown>;

/** What happened on one connection. */
export interface Facts {
  /** The path that was asked for. */
  name: string;
  opens: number;
  closes: number[];
  errors: string[];
  messages: number;
  octets: number;
  sends: number;
  /** The numbers of the sends whose callbacks were called, in the order of the calls; `failed` of them with an error. */
  told: number[];
  failed: number;
  state: number;
}

export interface Watched extends Omit<Facts, 'state'> {
  ws: Client & { send(data: unknown, options: Options, callback?: SendCallback): void };
}

export interface Watching {
  /** Listen for nothing but the end. */
  mute?: boolean;
  /** Send messages back. Default true. */
  echo?: boolean;
}

/** What a function that runs in the subject finds there. */
export interface Room {
  implementation: Exports;
  records: Watched[];
  server: Server;
  /** How many errors the server was told of because nobody else listened. */
  unowned: number;
  net: typeof net;
  watch: (ws: Client, watching?: Watching, name?: string) => Watched;
  send: (record: Watched, data: unknown, options?: Options) => void;
  serve: (options?: Options, watching?: Watching) => Promise<number>;
  dial: (address: string, options?: Options, watching?: Watching) => Watched;
  facts: (record: Watched) => Facts;
  memory: () => Promise<{ held: number; arrayBuffers: number; rss: number }>;
  descriptors: () => number;
  wait: (milliseconds: number) => Promise<void>;
  until: (holds: () => boolean, milliseconds?: number) => Promise<boolean>;
  /** A peer of a session that is cut. */
  session: typeof import('./raw-session.mjs');
  /** Whatever else functions leave for each other. */
  kept: Record<string, unknown>;
}

/** How a process ended. */
export interface End {
  status: number | null;
  signal: NodeJS.Signals | null;
}

const PROGRAM = fileURLToPath(new URL('subject.mjs', import.meta.url));

/** A process that can be told what to do. */
export class Subject {
  /** What it wrote to stderr: warnings and crashes. */
  complaints = '';
  readonly ended: Promise<End>;
  private next = 0;
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();

  private constructor(
    readonly child: ChildProcess,
    readonly moduleUrl: string | undefined,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => (this.complaints += chunk.toString()));
    child.on('message', (answer: { id: number; value: never; error?: string }) => {
      const waiting = this.waiting.get(answer.id);
      if (waiting === undefined) return;
      this.waiting.delete(answer.id);
      if (answer.error === undefined) waiting.resolve(answer.value);
      else waiting.reject(new Error(answer.error));
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        for (const { reject } of this.waiting.values()) reject(new Error(`the subject has ended: ${this.complaints}`));
        this.waiting.clear();
        resolve({ status, signal });
      });
    });
  }

  /** Starts a process with a module in it, or with none. */
  static async start(moduleUrl: string | undefined, execArgv: string[] = []): Promise<Subject> {
    const flags = ['--expose-gc', '--throw-deprecation', '--trace-warnings', ...execArgv];
    const child = fork(PROGRAM, moduleUrl === undefined ? [] : [moduleUrl], {
      execArgv: flags,
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    const subject = new Subject(child, moduleUrl);
    await Promise.race([once(child, 'message'), subject.ended]);
    return subject;
  }

  /** Starts a process with an implementation in it. */
  static async of(name: Name, execArgv: string[] = []): Promise<Subject> {
    const implementation = await implementations.find((entry) => entry.name === name)!.load();
    return Subject.start(await implementation.childModule(), execArgv);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Runs a function there. It sees nothing of its surroundings here but its arguments, which travel as JSON. */
  do<A extends unknown[], T>(work: (room: Room, ...args: A) => T, ...args: A): Promise<Awaited<T>> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, text: work.toString(), args }, (error) => {
        if (error !== null && this.waiting.delete(id)) reject(error);
      });
    });
  }

  /** Open file descriptors. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}
