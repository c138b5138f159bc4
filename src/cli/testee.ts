// `Testee` starts a program under test with the command after `--`, waits until it listens, and ends it.

import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from './command-error.js';

/** The number of characters that are kept of a testee's last output. */
const LAST_WORDS = 2000;
/** The time that the testee has to listen, and to end after SIGTERM, in ms. */
const UP = 60_000;
const DOWN = 2000;
const LOOK = 50;

/** The end of a program. */
export interface Ending {
  /** Such as `status 1` or `signal SIGSEGV`. */
  words: string;
  good: boolean;
}

/** A program with its children, as one process group. */
export class Testee {
  readonly #command: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #ended: Promise<Ending> = Promise.resolve({ words: 'never started', good: false });
  #running = false;
  #said = '';

  constructor(command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#command = command;
    this.#environment = { ...process.env, ...environment };
  }

  /** The last part of its output, from both streams. */
  get lastWords(): string {
    return this.#said.trim();
  }

  /** Starts it, after ending it if it runs. `ended` resolves when it ends. */
  async start(): Promise<{ ended: Promise<Ending> }> {
    await this.stop();
    const [program, ...args] = this.#command;
    // Its own process group makes the children of a shell or npx end with it.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: this.#environment });
    this.#child = child;
    this.#running = true;
    this.#said = '';
    const hear = (text: Buffer): void => {
      this.#said = (this.#said + text.toString()).slice(-LAST_WORDS);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.#ended = new Promise((resolve) => {
      const end = (ending: Ending): void => {
        this.#running = false;
        resolve(ending);
      };
      child.once('error', (error) => end({ words: error.message, good: false }));
      child.once('exit', (status, signal) =>
        end({ words: signal === null ? `status ${status}` : `signal ${signal}`, good: status === 0 }),
      );
    });
    return { ended: this.#ended };
  }

  /**
   * Starts it and waits until something accepts TCP connections at `url`.
   * @throws CommandError if it ends before that, or does not listen within a minute
   */
  async startListening(url: URL, signal: AbortSignal): Promise<void> {
    await this.start();
    for (const begun = performance.now(); performance.now() - begun < UP && !signal.aborted;) {
      if (await isListening(url)) return;
      if (!this.#running) {
        const { words } = await this.#ended;
        throw new CommandError(
          `The testee ended (${words}) before it listened. It said: ${this.lastWords || 'nothing'}`,
        );
      }
      await sleep(LOOK);
    }
    if (!signal.aborted) throw new CommandError(`The testee did not listen on ${url.host} in ${UP / 1000} seconds.`);
  }

  /** Ends it and its children. */
  async stop(): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    this.#child = null;
    this.#signal(pid, 'SIGTERM');
    await Promise.race([this.#ended, sleep(DOWN, undefined, { ref: false })]);
    this.#signal(pid, 'SIGKILL');
    await this.#ended;
  }

  #signal(pid: number, signal: NodeJS.Signals): void {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // The whole group has ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Whether something accepts TCP connections at the host and port of a URL. */
export function isListening(url: URL): Promise<boolean> {
  const port = url.port === '' ? (url.protocol === 'wss:' ? 443 : 80) : Number(url.port);
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
