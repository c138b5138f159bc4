// `readServerSettings` and `readClientSettings` read the arguments of `wsimd conformance`, and the spec file, if any.
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { ParseArgsConfig } from 'node:util';
import type { FuzzSettings } from '../conformance/fuzz/search.js';
import { headerOf, protocolsOf, readOptions, wholeNumber, type Field } from './arguments.js';
import { CommandError } from './command-error.js';
import { readFile } from './files.js';
import { readSpec, type ServerSpec, type Spec } from './spec-file.js';
import { targetOf } from './target.js';

/** The largest seed of generated streams. */
const MAX_SEED = 2 ** 31;

const MAX_WORKERS = 64;
/** The default number of workers. A machine with one core has no use for another thread. */
const CORES = availableParallelism() === 1 ? 0 : Math.min(availableParallelism(), MAX_WORKERS);

/** The settings that both roles share. */
interface CommonSettings {
  cases: string[];
  exclude: string[];
  /** The patterns of cases to leave out, by patterns of agent names. */
  excludeFor: Record<string, string[]>;
  /** The directory of the report. */
  out: string;
  junit: string | undefined;
  /** The file of the badge, in the format of shields.io. */
  badge: string | undefined;
  baseline: string | undefined;
  strict: boolean;
  timeoutScale: number;
  /** The number of threads that play compressed messages. */
  workers: number;
  /** Settings of the spec file that have no effect. */
  ignored: string[];
  /** Subprotocols to offer or to accept. */
  protocols: string[];
  /** The command after `--` that starts the testee; empty if the testee runs already. */
  command: string[];
  /** The settings of generated streams; undefined for cases. */
  fuzz: FuzzSettings | undefined;
  /** Whether connections are streams of HTTP/2. */
  http2: boolean;
}

/** The settings of a run that examines servers. */
export interface ServerSettings extends CommonSettings {
  testee: 'server';
  servers: ServerSpec[];
  jobs: number | undefined;
  insecure: boolean;
  origin: string | undefined;
  headers: Field[];
}

/** The settings of a run that examines clients. */
export interface ClientSettings extends CommonSettings {
  testee: 'client';
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** PEM texts; undefined to listen without TLS. */
  tls: { cert: string; key: string } | undefined;
  allowedOrigins: string[];
}

const COMMON_OPTIONS = {
  cases: { type: 'string', multiple: true },
  exclude: { type: 'string', multiple: true },
  out: { type: 'string' },
  junit: { type: 'string' },
  badge: { type: 'string' },
  baseline: { type: 'string' },
  strict: { type: 'boolean' },
  'timeout-scale': { type: 'string' },
  workers: { type: 'string' },
  spec: { type: 'string' },
  protocol: { type: 'string', multiple: true },
  fuzz: { type: 'string' },
  seed: { type: 'string' },
  http2: { type: 'boolean' },
} satisfies ParseArgsConfig['options'];

const SERVER_OPTIONS = {
  ...COMMON_OPTIONS,
  agent: { type: 'string' },
  jobs: { type: 'string' },
  insecure: { type: 'boolean' },
  origin: { type: 'string' },
  header: { type: 'string', multiple: true },
} satisfies ParseArgsConfig['options'];

const CLIENT_OPTIONS = {
  ...COMMON_OPTIONS,
  port: { type: 'string' },
  host: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'allow-origin': { type: 'string', multiple: true },
} satisfies ParseArgsConfig['options'];

/** The names of all options of a run. */
export const RUN_OPTIONS: readonly string[] = Object.keys({ ...SERVER_OPTIONS, ...CLIENT_OPTIONS });

/**
 * Reads the settings of `wsimd conformance server`.
 *
 * @throws CommandError when an argument or the spec file is wrong
 */
export function readServerSettings(words: string[]): ServerSettings {
  const [args, command] = withCommand(words);
  const { values, positionals } = readOptions('conformance server', {
    args,
    options: SERVER_OPTIONS,
    allowPositionals: true,
  });
  const spec = specOf(values.spec);
  const [url, ...rest] = positionals;
  if (rest.length > 0) throw new CommandError(`There is one server too many: ${rest.join(' ')}.`);
  const [name, given] = url === undefined ? ['The url of a server', spec.servers ?? []] : ['URL', [{ url }]];
  const servers = given.map((server): ServerSpec => {
    const target = targetOf(name, server.url);
    return { ...server, url: target.given, authorization: target.authorization };
  });
  if (servers.length === 0) throw new CommandError('Give the URL of a server, or a spec file that names servers.');
  const { agent } = values;
  if (agent !== undefined && servers.length > 1) throw new CommandError('One --agent cannot name several servers.');
  if (command.length > 0 && servers.length > 1) throw new CommandError('One command cannot start several servers.');
  return {
    ...commonSettings(values, spec, 'reports/servers', command),
    testee: 'server',
    servers: agent === undefined ? servers : [{ ...servers[0], agent }],
    jobs: values.jobs === undefined ? undefined : wholeNumber(values.jobs, '--jobs', 1, 64),
    insecure: values.insecure ?? false,
    origin: values.origin,
    headers: (values.header ?? []).map(headerOf),
  };
}

/**
 * Reads the settings of `wsimd conformance client`.
 *
 * @throws CommandError when an argument or the spec file is wrong
 */
export function readClientSettings(words: string[]): ClientSettings {
  const [args, command] = withCommand(words);
  const { values } = readOptions('conformance client', { args, options: CLIENT_OPTIONS });
  const spec = specOf(values.spec);
  const address = spec.url === undefined ? undefined : addressOf(spec.url);
  const port = values.port === undefined ? address?.port : wholeNumber(values.port, '--port', 0, 65535);
  if (port === undefined) throw new CommandError('Give --port, or a spec file with a url, to say where to listen.');
  return {
    ...commonSettings(values, spec, 'reports/clients', command),
    testee: 'client',
    host: values.host ?? address?.host ?? '127.0.0.1',
    port,
    tls: tlsOf(values.cert ?? spec.cert, values.key ?? spec.key),
    allowedOrigins: values['allow-origin'] ?? [],
  };
}

/** Returns the arguments before `--`, and the command after it. */
function withCommand(words: string[]): [args: string[], command: string[]] {
  const at = words.indexOf('--');
  if (at < 0) return [words, []];
  const command = words.slice(at + 1);
  if (command.length === 0) throw new CommandError('Behind -- stands the command that starts the testee.');
  return [words.slice(0, at), command];
}

/** The values that both roles share, as parseArgs returns them. */
interface CommonValues {
  cases?: string[] | undefined;
  exclude?: string[] | undefined;
  out?: string | undefined;
  junit?: string | undefined;
  badge?: string | undefined;
  baseline?: string | undefined;
  strict?: boolean | undefined;
  'timeout-scale'?: string | undefined;
  workers?: string | undefined;
  protocol?: string[] | undefined;
  fuzz?: string | undefined;
  seed?: string | undefined;
  http2?: boolean | undefined;
}

function commonSettings(values: CommonValues, spec: Spec, out: string, command: string[]): CommonSettings {
  return {
    cases: listOf(values.cases) ?? spec.cases ?? ['*'],
    exclude: listOf(values.exclude) ?? spec.excludeCases ?? [],
    excludeFor: spec.excludeAgentCases ?? {},
    out: values.out ?? spec.outdir ?? out,
    junit: values.junit,
    badge: values.badge,
    baseline: values.baseline,
    strict: values.strict ?? false,
    timeoutScale: scaleOf(values['timeout-scale'] ?? '1'),
    workers: values.workers === undefined ? CORES : wholeNumber(values.workers, '--workers', 0, MAX_WORKERS),
    ignored: spec.ignored,
    protocols: values.protocol === undefined ? (spec.protocols ?? []) : protocolsOf(values.protocol),
    command,
    fuzz: fuzzOf(values),
    http2: values.http2 ?? false,
  };
}

function fuzzOf({ fuzz, seed }: CommonValues): FuzzSettings | undefined {
  if (fuzz === undefined && seed !== undefined) throw new CommandError('--seed goes with --fuzz SECONDS.');
  if (fuzz === undefined) return undefined;
  return {
    seconds: wholeNumber(fuzz, '--fuzz', 1, 1_000_000),
    seed: seed === undefined ? randomInt(MAX_SEED) : wholeNumber(seed, '--seed', 0, MAX_SEED),
  };
}

function listOf(values: string[] | undefined): string[] | undefined {
  return values?.flatMap((value) => value.split(',')).map((pattern) => pattern.trim());
}

function scaleOf(text: string): number {
  const scale = text.trim() === '' ? Number.NaN : Number(text);
  if (scale > 0 && scale <= 1000) return scale;
  throw new CommandError(`--timeout-scale takes a number above 0 and up to 1000, not ${JSON.stringify(text)}.`);
}

function specOf(path: string | undefined): Spec {
  return path === undefined ? { ignored: [] } : readSpec(String(readFile(path)));
}

function tlsOf(cert: string | undefined, key: string | undefined): ClientSettings['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) throw new CommandError('--cert and --key go together.');
  return { cert: String(readFile(cert)), key: String(readFile(key)) };
}

/** Returns the address to listen on, which the classic spec file contains as `ws://host:port`. */
function addressOf(url: string): { host: string; port: number } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^wss?:$/.test(parsed.protocol)) {
    throw new CommandError(`In the spec file url is no ws:// or wss:// URL: ${JSON.stringify(url)}.`);
  }
  const standard = parsed.protocol === 'wss:' ? 443 : 80;
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: parsed.port === '' ? standard : Number(parsed.port) };
}
