// `connect` runs `wsimd connect URL`: it sends lines to a WebSocket server as messages, and prints its messages.
import type { IncomingMessage } from 'node:http';
import { connect as connectNet } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from '../../index.js';
import { headersOf, protocolsOf, readOptions, timeOf } from '../arguments.js';
import { CommandError, INTERRUPTED, wordsOf } from '../command-error.js';
import { HANDSHAKE_TIMEOUT, targetOf, type Target } from '../target.js';
import { print, type Terminal } from '../terminal.js';
import { Conversation, ownPerson, type Person, type Talk } from './conversation.js';
import { checkFormat, FORMAT_NAMES, formatted } from './format.js';
import type { SessionRecord } from './session-record.js';

/** Returns the names of --format, one per line. */
function names(): string {
  const all: [string, string][] = [...Object.entries(FORMAT_NAMES), ['json', 'all of these, as JSON']];
  return all.map(([name, meaning]) => `  %{${name}}`.padEnd(24) + meaning).join('\n');
}

const USAGE = `Sends each line to a WebSocket server as a message, and prints the messages that come.

  wsimd connect URL

  --header 'NAME: VALUE'   a field of the opening request; may be given again
  --protocol NAME          a subprotocol to ask for; may be given again
  --origin ORIGIN          the field Origin
  --insecure               take any certificate
  --unix PATH              connect to this Unix socket; URL says the rest
  --binary                 send lines as binary messages, and those of a pipe as the bytes between two LF
  --deflate                offer compression
  --http2                  ask over HTTP/2, if the server speaks it
  --record FILE            write the messages to FILE, for wsimd replay; a HAR for browsers if its name ends in .har
  --format TEMPLATE        print TEMPLATE when the connection has closed; the names are below
  --wait TIME              how long to wait for messages after the last line of a pipe, such as 2s; without a unit in ms (default: 1s)

In a terminal, these lines are not sent:
  /ping [TEXT]   sends a ping, and prints how long the pong took
  /hex BYTES     sends a binary message, such as /hex 00 ff
  /close [CODE [REASON]]   closes; so does Ctrl-D
  //TEXT         sends /TEXT

In a template, %{NAME} stands for a fact, \\n and \\t for themselves, %% for %:
${names()}

Text is printed as it comes, with colours where it is JSON, and binary messages as hex. The exit status is 0 when the
connection closed with 1000 or no code, 1 when it closed otherwise, 2 when it did not open within 10 s.
`;

interface Settings extends Talk {
  url: string;
  protocols: string[];
  options: ConstructorParameters<typeof WebSocket>[2];
  record: string | undefined;
  format: string | undefined;
}

/**
 * Runs `wsimd connect`.
 * @returns the exit status
 * @throws CommandError for invalid arguments, and if no connection opens
 */
export async function connect(
  args: string[],
  terminal: Terminal,
  signal: AbortSignal,
  person: Person = ownPerson(),
): Promise<number> {
  const settings = settingsOf(args);
  if (settings === undefined) {
    print(USAGE, terminal);
    return 0;
  }
  const { record } = settings;
  const begun = performance.now();
  const recording = record === undefined ? undefined : await recordTo(record, terminal);
  return open(settings, signal, recording, async (websocket, response) => {
    terminal.err(`Connected to ${settings.url}${websocket.protocol && `, subprotocol ${websocket.protocol}`}.\n`);
    const conversation = new Conversation(websocket, settings, terminal, person, signal, recording);
    const opened = performance.now();
    const { code, reason } = await conversation.ended;
    const seconds = (time: number): number => Math.max(0, time - begun) / 1000;
    if (settings.format !== undefined) {
      const { sent, received } = websocket.statistics!;
      const facts = {
        url: websocket.url ?? settings.url,
        status: response.statusCode ?? 0,
        http_version: response.httpVersion ?? '2',
        protocol: websocket.protocol,
        extensions: websocket.extensions,
        close_code: code,
        close_reason: reason,
        time_open: seconds(opened),
        time_first: seconds(conversation.first),
        time_total: seconds(performance.now()),
        messages_sent: sent.messages,
        messages_received: received.messages,
        bytes_sent: sent.octets,
        bytes_received: received.octets,
      };
      terminal.out(formatted(settings.format, facts));
    }
    recording?.end();
    return code === 1000 || code === 1005 ? 0 : 1;
  });
}

/** Loads the recorder, which most runs do not need. */
async function recordTo(file: string, terminal: Terminal): Promise<SessionRecord> {
  const module = await import('./session-record.js');
  return new module.SessionRecord(file, (sentence) => terminal.err(sentence));
}

function settingsOf(args: string[]): Settings | undefined {
  const { values, positionals } = readOptions('connect', {
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
      http2: { type: 'boolean', default: false },
      record: { type: 'string' },
      format: { type: 'string' },
      wait: { type: 'string', default: '1s' },
    },
  });
  if (values.help) return undefined;
  if (positionals.length !== 1) throw new CommandError('wsimd connect takes one URL, such as ws://127.0.0.1:9001.');
  const [given] = positionals;
  // The library takes ws+unix: too, which means what --unix does.
  const target = given.startsWith('ws+unix:') ? undefined : targetOf('URL', given);
  const url = target?.given ?? given;
  const headers = headersOf(values.header, target?.authorization);
  if (values.format !== undefined) checkFormat(values.format);
  return {
    url,
    protocols: protocolsOf(values.protocol),
    options: {
      headers,
      perMessageDeflate: values.deflate,
      followRedirects: !values.http2,
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      http2: values.http2,
      statistics: true,
      ...(values.origin === undefined ? {} : { origin: values.origin }),
      ...(values.insecure ? { rejectUnauthorized: false } : {}),
      ...(values.unix === undefined ? {} : { createConnection: reaching(values.unix, target) }),
    },
    isBinary: values.binary,
    wait: timeOf(values.wait, '--wait', 'ms', 0),
    record: values.record,
    format: values.format,
  };
}

/** Returns a function that connects to a Unix socket in place of a host and a port. */
function reaching(path: string, target: Target | undefined): (options: object) => Duplex {
  const { tls } = target ?? {};
  return (options) =>
    tls === undefined ? connectNet({ path }) : connectTls({ ...options, path, servername: tls.servername ?? '' });
}

/** Connects; `opened` adds its listeners before the first message event. */
function open(
  { url, protocols, options }: Settings,
  signal: AbortSignal,
  recording: SessionRecord | undefined,
  opened: (websocket: WebSocket, response: IncomingMessage) => Promise<number>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(new CommandError(`Cannot connect to ${url}: ${signal.aborted ? INTERRUPTED : wordsOf(error)}.`));
    try {
      const websocket = new WebSocket(url, protocols, { ...options, signal });
      let response: IncomingMessage;
      websocket.once('error', fail);
      websocket.once('upgrade', (answer: IncomingMessage) => {
        response = answer;
        // oxlint-disable-next-line no-underscore-dangle -- ws has this name
        recording?.opened(websocket.url ?? url, websocket._req as never, answer);
      });
      websocket.once('open', () => {
        websocket.removeListener('error', fail);
        resolve(opened(websocket, response));
      });
    } catch (error) {
      fail(error);
    }
  });
}
