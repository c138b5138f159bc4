// `Progress` shows the progress line of a conformance run, which changes with each result and twice a second.

import { isPass, type CaseResult } from '../conformance/index.js';
import type { AgentReport } from '../conformance/report/report.js';
import { progressLine } from '../conformance/report/terminal.js';
import { ProgressLine, type Terminal } from './terminal.js';

/** The interval in ms at which the line is drawn between results. */
const TICK = 500;

/** Shows the progress of a run if the terminal can rewrite a line. */
export class Progress {
  /** The callbacks for the run. */
  readonly hooks: { onCase: (id: string, begun: boolean) => void; onNote: (sentence: string) => void };
  readonly #line: ProgressLine;
  readonly #strict: boolean;
  readonly #begun = performance.now();
  readonly #running = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #agent: AgentReport | null = null;
  #id = '';
  #refused = 0;

  constructor(strict: boolean, terminal: Terminal) {
    this.#line = new ProgressLine(terminal);
    this.#strict = strict;
    this.hooks = {
      onCase: (id, begun) => {
        if (begun) this.#running.set(id, performance.now());
        else this.#running.delete(id);
      },
      onNote: (sentence) => {
        this.#line.clear();
        terminal.err(`${sentence}\n`);
      },
    };
  }

  /** Begins with the cases of a testee. */
  begin(agent: AgentReport): void {
    this.#agent = agent;
    this.#id = '';
    this.#timer ??= setInterval(() => this.#draw(), TICK).unref();
  }

  /** Shows the result of a case. */
  show(result: CaseResult, agent: AgentReport | null = this.#agent): void {
    if (!isPass(result, this.#strict)) this.#refused++;
    this.#agent = agent;
    this.#id = result.id;
    this.#draw();
  }

  #draw(): void {
    const agent = this.#agent;
    if (agent === null) return;
    const now = performance.now();
    const running = [...this.#running].map(([id, since]) => ({ id, seconds: (now - since) / 1000 }));
    this.#line.show((width) =>
      progressLine(
        {
          agent: agent.name,
          id: this.#id,
          done: agent.results.size,
          total: agent.selected.length,
          refused: this.#refused,
          seconds: (now - this.#begun) / 1000,
          running,
        },
        width,
      ),
    );
  }

  clear(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#line.clear();
  }
}
