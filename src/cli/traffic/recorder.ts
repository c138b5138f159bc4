// `Recorder` writes the traffic of connections to a file while it passes: JSON lines, or a HAR when it closes.
import { Buffer } from 'node:buffer';
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ownVersion } from '../arguments.js';
import { CommandError, wordsOf } from '../command-error.js';
import { checkPlace } from '../files.js';
import type { Frame, Heads } from './frame.js';
import { isHarName, toHar } from './har.js';
import { recordedFrame } from './recorded.js';
import { endLine, frameLine, headLine, readRecording } from './recording.js';

/** The interval in ms at which lines are written together, and the bytes of lines that wait at most. */
const WRITE_EVERY = 100;
const MOST_WAITING: number = 256 * 1024;
/** The most bytes that a character of a string takes in UTF-8. */
const UTF8_MOST = 3;

/** The parts of a connection that a recording needs; times are those of `Watch`. */
interface Recorded {
  readonly number: number;
  readonly url: string;
  readonly startedAt: number;
  readonly openedAt: number;
}

export class Recorder {
  private readonly file: string;
  /** The open file; undefined before the first lines, so that a command that cannot run leaves an earlier file. */
  private descriptor: number | undefined;
  /** The bytes of the waiting lines: as strings, they would outlive many collections of young memory. */
  private readonly waiting: Buffer = Buffer.allocUnsafeSlow(MOST_WAITING);
  private used = 0;
  private timer: NodeJS.Timeout | undefined;
  private failure: unknown;
  /** The number of written frames. */
  frames = 0;
  /** Finishes a recording when the program ends before its command. */
  private readonly leave = (): void => {
    if (this.descriptor === undefined && this.used === 0) return;
    try {
      this.close();
    } catch (error) {
      this.tell(`${wordsOf(error)}\n`);
    }
  };

  /**
   * @param target the file, which becomes a HAR if its name ends in .har
   * @param tell prints a sentence, if the recording ends before its command
   * @throws CommandError if it cannot be written
   */
  constructor(
    private readonly target: string,
    private readonly tell: (sentence: string) => void,
  ) {
    // A HAR is one JSON value, so it is written at the end, from the lines.
    this.file = isHarName(target) ? `${target}.jsonl` : target;
    for (const each of new Set([target, this.file])) checkPlace(each);
    process.once('exit', this.leave);
  }

  opened({ number, url, startedAt }: Recorded, heads: Heads): void {
    this.write(headLine({ number, url, started: startedAt, heads }));
  }

  frame({ number, openedAt }: Recorded, frame: Frame): void {
    if (frame.came < frame.length) return;
    this.frames++;
    this.write(frameLine(number, recordedFrame(frame, openedAt)));
  }

  note(): void {}

  ended({ number, openedAt, startedAt }: Recorded, time: number): void {
    if (startedAt > 0) this.write(endLine(number, time - openedAt));
  }

  /**
   * Writes the waiting lines, and the HAR, if any.
   * @throws CommandError if something could not be written
   */
  close(): void {
    process.off('exit', this.leave);
    this.flush();
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    if (this.failure !== undefined) throw new CommandError(this.complaint());
    if (this.file === this.target) return;
    try {
      const isEmpty = readFileSync(this.file, 'utf8') === '';
      writeFileSync(this.target, toHar(isEmpty ? [] : readRecording(this.file), ownVersion()));
      rmSync(this.file);
    } catch (error) {
      throw new CommandError(`Cannot write ${this.target}; the recording is in ${this.file}: ${wordsOf(error)}.`);
    }
  }

  private complaint(): string {
    return `Cannot write ${this.file}: ${wordsOf(this.failure)}. The recording ends before that.`;
  }

  private write(line: string): void {
    if (this.failure !== undefined) return;
    const most = line.length * UTF8_MOST;
    if (most > MOST_WAITING) return this.flushAndTell(line);
    if (most > MOST_WAITING - this.used) this.flushAndTell('');
    this.used += this.waiting.write(line, this.used);
    this.timer ??= setTimeout(() => this.flushAndTell(''), WRITE_EVERY);
  }

  /** Writes the waiting lines and one more, and tells of an error. */
  private flushAndTell(line: string): void {
    if (this.failure !== undefined) return;
    this.flush();
    if (line !== '') this.append(line);
    if (this.failure !== undefined) this.tell(`${this.complaint()}\n`);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { used } = this;
    this.used = 0;
    this.append(this.waiting.subarray(0, used));
  }

  private append(lines: Buffer | string): void {
    if (this.failure !== undefined) return;
    try {
      this.descriptor ??= openSync(this.file, 'w');
      appendFileSync(this.descriptor, lines);
    } catch (error) {
      // The traffic continues; the error is told, and `close` throws it.
      this.failure = error;
    }
  }
}
