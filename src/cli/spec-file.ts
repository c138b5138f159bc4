// `readSpec` reads the settings in a classic spec file (JSON).
import { CommandError, wordsOf } from './command-error.js';

/** A server that a spec file names. */
export interface ServerSpec {
  url: string;
  /** The field Authorization, for the user and password of the URL. */
  authorization?: string | undefined;
  /** Its name in the report; default: its `Server` header. */
  agent?: string;
  /** The server name for TLS; default: that of the URL. */
  hostname?: string;
  /** Subprotocols to offer. */
  protocols?: string[];
  /** The Origin of requests. */
  origin?: string;
}

/** The settings of a spec file. All may be left out. */
export interface Spec {
  servers?: ServerSpec[];
  /** The URL to listen on, if clients are examined. */
  url?: string;
  outdir?: string;
  /** The subprotocols to offer to servers that have no list of their own, and to accept from clients. */
  protocols?: string[];
  cases?: string[];
  excludeCases?: string[];
  excludeAgentCases?: Record<string, string[]>;
  key?: string;
  cert?: string;
  /** Names of known settings that have no effect here. */
  ignored: string[];
}

/** Settings of the classic suite without effect here: the examiner has one behavior, and its times scale together. */
const IGNORED_OPTIONS: readonly string[] =
  `version echoCloseCodeReason maxFramePayloadSize maxMessagePayloadSize autoFragmentSize maskClientFrames acceptMaskedServerFrames
  applyMask utf8validateIncoming openHandshakeTimeout closeHandshakeTimeout serverConnectionDropTimeout tcpNoDelay autoPingInterval
  autoPingTimeout autoPingSize maskServerFrames requireMaskedClientFrames versions webStatus allowedOrigins maxConnections`.split(
    /\s+/,
  );
const IGNORED_KEYS: readonly string[] = ['webport'];

/**
 * Reads a spec file.
 *
 * @throws CommandError if it is not JSON, or has an unknown key or a value of the wrong type
 */
export function readSpec(text: string): Spec {
  const spec: Spec = { ignored: [] };
  for (const [key, value] of entriesOf(parse(text), 'the whole')) {
    switch (key) {
      case 'servers':
        spec.servers = listOf(value, key).map((server) => readServer(server, spec.ignored));
        break;
      case 'url':
      case 'outdir':
      case 'key':
      case 'cert':
        spec[key] = stringOf(value, key);
        break;
      case 'cases':
      case 'protocols':
        spec[key] = stringsOf(value, key);
        break;
      case 'exclude-cases':
        spec.excludeCases = stringsOf(value, key);
        break;
      case 'exclude-agent-cases':
        spec.excludeAgentCases = Object.fromEntries(
          entriesOf(value, key).map(([agent, cases]) => [agent, stringsOf(cases, `${key} of ${agent}`)]),
        );
        break;
      case 'options':
        readOptions(value, spec.ignored);
        break;
      default:
        ignore(IGNORED_KEYS, key, 'key', spec.ignored);
    }
  }
  return spec;
}

function readServer(value: unknown, ignored: string[]): ServerSpec {
  const server: Partial<ServerSpec> = {};
  for (const [key, member] of entriesOf(value, 'a server')) {
    switch (key) {
      case 'url':
      case 'agent':
      case 'hostname':
      case 'origin':
        server[key] = stringOf(member, `${key} of a server`);
        break;
      case 'options':
        readOptions(member, ignored);
        break;
      case 'protocols':
        server.protocols = stringsOf(member, 'protocols of a server');
        break;
      default:
        ignore([], key, 'key of a server', ignored);
    }
  }
  const { url } = server;
  if (url === undefined) throw new CommandError('A server of the spec file has no url.');
  return { ...server, url };
}

function readOptions(value: unknown, ignored: string[]): void {
  for (const [name, setting] of entriesOf(value, 'options')) {
    // The examiner always behaves as the classic suite does with false.
    if (name === 'failByDrop' && setting === false) continue;
    ignore([...IGNORED_OPTIONS, 'failByDrop'], name, 'option', ignored);
  }
}

function ignore(known: readonly string[], name: string, what: string, ignored: string[]): void {
  if (!known.includes(name)) throw new CommandError(`The spec file has an unknown ${what}: ${JSON.stringify(name)}.`);
  if (!ignored.includes(name)) ignored.push(name);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CommandError(`The spec file is not JSON: ${wordsOf(error)}.`);
  }
}

function entriesOf(value: unknown, what: string): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new CommandError(`In the spec file ${what} is not an object.`);
}

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new CommandError(`In the spec file ${what} is not a list.`);
}

function stringsOf(value: unknown, what: string): string[] {
  return listOf(value, what).map((item) => stringOf(item, `an item of ${what}`));
}

function stringOf(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new CommandError(`In the spec file ${what} is ${value === '' ? 'empty' : 'not a string'}.`);
}
