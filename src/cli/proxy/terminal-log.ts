// `TerminalLog` prints a line for each frame that passes, and for each event of a connection.
import { visibleText } from '../../conformance/report/visible.js';
import type { Terminal } from '../terminal.js';
import type { Filter } from '../traffic/filter.js';
import type { Frame, Heads, Message } from '../traffic/frame.js';
import { wordsOfFrame } from '../traffic/words.js';
import type { Passing, Watch } from './watch.js';

/** The interval in ms at which lines are printed together. */
const PRINT_EVERY = 20;
/** The most lines printed at a time in a terminal, as no one could read more; further ones are only counted. */
const MOST_LINES = 500;
const [RED, GREEN, BLUE, GREY] = [31, 32, 36, 90];
const WIDEST_KIND = 6;

export class TerminalLog implements Watch {
  private lines: string[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** The difference from `performance.now()` to ms since 1970. */
  private readonly epoch = Date.now() - performance.now();
  private clockTime = 0;
  private clockText = '';

  /** @param isTerminal whether the output goes to a terminal; @param hasColours whether it has colours */
  constructor(
    private readonly terminal: Terminal,
    private readonly filter: Filter,
    private readonly isTerminal: boolean,
    private readonly hasColours: boolean,
  ) {}

  opened(connection: Passing, { request, response }: Heads): void {
    const [method, path] = request.split(' ');
    const fields = /^sec-websocket-(?:protocol|extensions): .*$/gim;
    const agreed = (response.match(fields) ?? []).map((field) => `, ${field.slice(field.indexOf(' ') + 1)}`).join('');
    const told = visibleText(` ${method} ${path} from ${connection.peer}${agreed}`);
    this.say(connection, connection.openedAt, 'open:', told);
  }

  frame(connection: Passing, frame: Frame, message: Message | undefined): void {
    if (!this.filter.takes(frame, message?.data)) return;
    const { kind, size, preview, fault } = wordsOfFrame(frame, message);
    const arrow = frame.from === 'client' ? this.paint(GREEN, '→') : this.paint(BLUE, '←');
    const broken = fault === '' ? '' : this.paint(RED, `  !! ${fault}`);
    const content = preview === '' ? '' : `  ${preview}`;
    this.say(connection, frame.time, `${arrow} ${kind.padEnd(WIDEST_KIND)} ${size}${broken}`, content);
  }

  note(connection: Passing, text: string): void {
    this.say(connection, performance.now(), this.paint(RED, visibleText(text)));
  }

  ended(connection: Passing, time: number): void {
    const { client, server } = connection.frames;
    this.say(connection, time, `end: ${client} frames of the client, ${server} of the server`);
  }

  /** Prints the waiting lines. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { lines } = this;
    if (lines.length === 0) return;
    this.lines = [];
    const hidden = this.isTerminal ? Math.max(0, lines.length - MOST_LINES) : 0;
    const more = hidden === 0 ? [] : [`… and ${hidden} lines more; --filter chooses, and a pipe gets all\n`];
    this.terminal.out([...lines.slice(0, lines.length - hidden), ...more].join(''));
  }

  private say({ number }: Passing, time: number, text: string, content = ''): void {
    const line = `${this.paint(GREY, `${this.clock(time)} #${number}`)} ${text}`;
    this.lines.push(`${this.fit(line + content, line.length)}\n`);
    this.timer ??= setTimeout(() => this.flush(), PRINT_EVERY);
  }

  /** Formats a time as the time of day, once for all frames of the same millisecond. */
  private clock(time: number): string {
    const now = Math.floor(this.epoch + time);
    if (now !== this.clockTime) {
      this.clockTime = now;
      this.clockText = new Date(now).toISOString().slice(11, 23);
    }
    return this.clockText;
  }

  /** Cuts a line to the width of the terminal, but not within its first `kept` code units; colours take no columns. */
  private fit(line: string, kept: number): string {
    const columns = this.isTerminal ? this.terminal.columns : undefined;
    if (columns === undefined) return line;
    let place = 0;
    let at = 0;
    for (const part of line.match(/\u001b\[\d+m|[^\u001b]/gu) ?? []) {
      if (!part.startsWith('\u001b')) place++;
      if (place >= columns && at >= kept) return `${line.slice(0, at)}…${this.paint(0, '')}`;
      at += part.length;
    }
    return line;
  }

  private paint(colour: number, text: string): string {
    return this.hasColours ? `\u001b[${colour}m${text}\u001b[0m` : text;
  }
}
