// `connect` is `wsimd connect URL`: lines go to a WebSocket server as messages, and its messages come back as lines.
import { Buffer } from 'node:buffer';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { WebSocket } from '../../index.js';
import { explained, wholeNumber } from '../arguments.js';
import { CommandError, wordsOf } from '../command-error.js';
import type { Terminal } from '../terminal.js';
import { explainClose } from './close-words.js';
import { colourJson, hexDump, printable } from './show.js';

const USAGE = `Sends each line to a WebSocket server as a message, and prints the messages that come.

  wsimd connect URL

  --header 'NAME: VALUE'   a field of the opening request; may be given again
  --protocol NAME          a subprotocol to ask for; may be given again
  --origin ORIGIN          the field Origin
  --insecure               take any certificate
  --unix PATH              connect to this Unix socket; URL says the rest
  --binary                 send lines as binary messages
  --deflate                offer compression
  --wait MS                how long to wait for messages after the last line of a pipe (default: 1000)

In a terminal, these lines are not sent:
  /ping [TEXT]   sends a ping, and prints how long the pong took
  /hex BYTES     sends a binary message, such as /hex 00 ff
  /close [CODE [REASON]]   closes; so does Ctrl-D
  //TEXT         sends /TEXT

Text is printed as it comes, with colours where it is JSON, and binary messages as hex. The exit status is 0 when the
connection closed with 1000 or no code, 1 when it closed otherwise, 2 when it could not be opened.
`;

/** Where lines come from. */
export interface Person {
  readonly input: Readable;
  /** Whether a person types them, so that lines that begin with a slash are commands. */
  readonly isTyping: boolean;
  readonly hasColours: boolean;
}

/** The person at this program's own terminal, or the pipe in that place. */
export function ownPerson(): Person {
  const { stdin, stdout } = process;
  return { input: stdin, isTyping: stdin.isTTY, hasColours: stdout.isTTY && process.env.NO_COLOR === undefined };
}

/** `readyState` of an open WebSocket. */
const OPEN = 1;

interface Settings {
  url: string;
  protocols: string[];
  options: ConstructorParameters<typeof WebSocket>[2];
  isBinary: boolean;
  wait: number;
}

/**
 * Runs `wsimd connect`.
 * @returns the exit status
 * @throws CommandError for arguments that cannot be used, and where there is no connection
 */
export async function connect(
  args: string[],
  terminal: Terminal,
  signal: AbortSignal,
  person: Person = ownPerson(),
): Promise<number> {
  const settings = settingsOf(args);
  if (settings === undefined) {
    terminal.out(USAGE);
    return 0;
  }
  return open(settings, signal, (websocket) => {
    terminal.err(`Connected to ${settings.url}${websocket.protocol && `, subprotocol ${websocket.protocol}`}.\n`);
    return new Conversation(websocket, settings, terminal, person, signal).ended;
  });
}

function settingsOf(args: string[]): Settings | undefined {
  const { values, positionals } = explained('connect', () =>
    parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        header: { type: 'string', multiple: true, default: [] },
        protocol: { type: 'string', multiple: true, default: [] },
        origin: { type: 'string' },
        insecure: { type: 'boolean' },
        unix: { type: 'string' },
        binary: { type: 'boolean', default: false },
        deflate: { type: 'boolean', default: false },
        wait: { type: 'string', default: '1000' },
      },
    }),
  );
  if (values.help) return undefined;
  if (positionals.length !== 1) throw new CommandError('wsimd connect takes one URL, such as ws://127.0.0.1:9001.');
  const [given] = positionals;
  const url = /^[a-z][a-z+]*:/i.test(given) && !/^[\w.-]+:\d+/.test(given) ? given : `ws://${given}`;
  const headers: Record<string, string> = {};
  for (const field of values.header) {
    const [, name, value] = /^([^\s:]+):\s*(.*)$/.exec(field) ?? [];
    if (name === undefined) throw new CommandError(`--header takes 'NAME: VALUE', not ${JSON.stringify(field)}.`);
    headers[name] = value;
  }
  return {
    url: values.unix === undefined ? url : `ws+unix:${values.unix}:${pathOf(url)}`,
    protocols: values.protocol,
    options: {
      headers,
      perMessageDeflate: values.deflate,
      followRedirects: true,
      ...(values.origin === undefined ? {} : { origin: values.origin }),
      ...(values.insecure ? { rejectUnauthorized: false } : {}),
    },
    isBinary: values.binary,
    wait: wholeNumber(values.wait, '--wait', 0, 2 ** 31 - 1),
  };
}

/** The path and query of an address. */
function pathOf(address: string): string {
  const { pathname, search } = new URL(address);
  return pathname + search;
}

/** Connects; `opened` listens before the first message is told. */
function open(
  { url, protocols, options }: Settings,
  signal: AbortSignal,
  opened: (websocket: WebSocket) => Promise<number>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new CommandError(`Cannot connect to ${url}: ${wordsOf(error)}.`));
    try {
      const websocket = new WebSocket(url, protocols, { ...options, signal });
      websocket.once('error', fail);
      websocket.once('open', () => {
        websocket.removeListener('error', fail);
        resolve(opened(websocket));
      });
    } catch (error) {
      fail(error);
    }
  });
}

/** One open connection and the person, or pipe, that talks through it. */
class Conversation {
  readonly ended: Promise<number>;
  readonly #pings = new Map<string, number>();
  #count = 0;

  constructor(
    private readonly websocket: WebSocket,
    private readonly settings: Settings,
    private readonly terminal: Terminal,
    private readonly person: Person,
    signal: AbortSignal,
  ) {
    const lines = createInterface({ input: person.input });
    websocket.on('message', (data: Buffer, isBinary: boolean) => this.#show(data, isBinary));
    websocket.on('pong', (data: Buffer) => this.#ponged(String(data)));
    websocket.on('error', (error: Error) => terminal.err(`${error.message}\n`));
    lines.on('line', (line: string) => this.#take(line));
    lines.on('close', () => {
      if (websocket.readyState !== OPEN) return;
      if (person.isTyping) websocket.close(1000);
      else setTimeout(() => websocket.close(1000), settings.wait);
    });
    signal.addEventListener('abort', () => websocket.close(1000));
    this.ended = new Promise((resolve) => {
      websocket.once('close', (code: number, reason: Buffer) => {
        lines.close();
        person.input.destroy();
        terminal.err(
          `Closed with ${code} (${explainClose(code)})${reason.length > 0 ? `: ${printable(String(reason))}` : ''}.\n`,
        );
        resolve(code === 1000 || code === 1005 ? 0 : 1);
      });
    });
  }

  #show(data: Buffer, isBinary: boolean): void {
    const text = isBinary ? hexDump(data) : String(data);
    this.terminal.out(`${this.person.hasColours ? colourJson(printable(text)) : text}\n`);
  }

  #take(line: string): void {
    const command = this.person.isTyping ? /^\/(?!\/)(\S*)\s*(.*)$/.exec(line) : null;
    if (command === null) this.#send(this.person.isTyping && line.startsWith('//') ? line.slice(1) : line);
    else this.#obey(command[1], command[2]);
  }

  #send(line: string): void {
    this.websocket.send(line, { binary: this.settings.isBinary });
  }

  #obey(name: string, rest: string): void {
    const { websocket, terminal } = this;
    try {
      if (name === 'ping') {
        const text = rest || `wsimd ${++this.#count}`;
        this.#pings.set(text, performance.now());
        websocket.ping(text);
      } else if (name === 'hex') {
        const digits = rest.replaceAll(/\s/g, '');
        if (!/^(?:[\da-f]{2})+$/i.test(digits)) terminal.err('/hex takes pairs of hex digits, such as 00 ff.\n');
        else websocket.send(Buffer.from(digits, 'hex'), { binary: true });
      } else if (name === 'close') {
        const [, code, reason] = /^(\d*)\s*(.*)$/.exec(rest)!;
        websocket.close(code === '' ? 1000 : Number(code), reason);
      } else {
        terminal.err(`There is no /${name}. There are: /ping, /hex, /close, and // for text that begins with /.\n`);
      }
    } catch (error) {
      terminal.err(`${wordsOf(error)}.\n`);
    }
  }

  #ponged(text: string): void {
    const since = this.#pings.get(text);
    this.#pings.delete(text);
    const took = since === undefined ? 'that was not asked for' : `after ${(performance.now() - since).toFixed(2)} ms`;
    this.terminal.err(`Pong ${took}.\n`);
  }
}
