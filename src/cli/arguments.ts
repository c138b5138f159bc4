// `readOptions` and the other functions of this file read the arguments of a command line, and name invalid ones.
import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CommandError, wordsOf } from './command-error.js';

/** The most letters in which an unknown option differs from the known one that the error names. */
const NEAR = 2;

/** Options that take a text, what it is, and its form if not any text but the empty one will do. */
const TEXTS: readonly (readonly [what: string, options: string, form?: RegExp])[] = [
  ['a file that ends in .json', 'json'],
  ['a file', 'record save html compare payload cert key junit badge baseline spec script', /^(?!-$)./s],
  ['a directory', 'out'],
  ['the path of a socket', 'unix'],
  ['an origin, such as http://localhost:8080', 'origin', /^[!-~]+$/],
  ['an origin, such as http://localhost:8080, or *', 'allow-origin', /^(?:\*|null|[a-z][\w+.-]*:\/\/[^/\s]+)$/i],
  ['an address, such as 127.0.0.1', 'host'],
  ['a template, such as %{status}', 'format'],
  ['a name', 'agent only'],
  ['ids of cases, such as 1.*', 'cases exclude'],
];

/**
 * Reads the options and words of a command line, as parseArgs does.
 * @param command the name of the command, for the error
 * @throws CommandError for an invalid option
 */
export function readOptions<const Config extends ParseArgsConfig>(
  command: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  let read: ReturnType<typeof parseArgs<Config>>;
  try {
    read = parseArgs(config);
  } catch (error) {
    const [sentence] = wordsOf(error).split(/\.\s/);
    const wrong = /^Unknown option '-+(.+)'/.exec(sentence)?.[1] ?? '';
    const [, unvalued] = /^Option '(--[^' ]+).*' argument (?:missing|is ambiguous)/.exec(sentence) ?? [];
    if (unvalued !== undefined) {
      throw new CommandError(
        `wsimd ${command}: ${unvalued} needs a value; one that begins with a dash is given as ${unvalued}=-1.`,
      );
    }
    const hint = hintFor(wrong, command, Object.keys(config.options ?? {}));
    throw new CommandError(`wsimd ${command}: ${sentence.replace(/\.$/, '')}${hint}.`);
  }
  for (const [name, value] of Object.entries(read.values)) {
    const [what, , form = /./] = TEXTS.find(([, options]) => options.split(' ').includes(name)) ?? [];
    const wrong = [value].flat().find((text) => what !== undefined && !form.test(String(text)));
    if (wrong !== undefined) throw new CommandError(`--${name} takes ${what}, not ${JSON.stringify(wrong)}.`);
  }
  return read;
}

function hintFor(wrong: string, command: string, known: readonly string[]): string {
  const near = known.map((name) => ({ name, far: distance(wrong, name) })).sort((a, b) => a.far - b.far)[0];
  if (near !== undefined && near.far <= NEAR && near.far < wrong.length) return `; --${near.name} is an option`;
  return `; the options are in wsimd ${command} --help`;
}

/** Returns the number of letters to insert, remove or replace to turn one word into the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 0; at < one.length; at++) {
    const next = [at + 1];
    for (let to = 0; to < other.length; to++) {
      next.push(Math.min(row[to] + (one[at] === other[to] ? 0 : 1), row[to + 1] + 1, next[to] + 1));
    }
    row = next;
  }
  return row[other.length];
}

/**
 * Returns the number in an option's text.
 * @throws CommandError unless it is a whole number within the bounds
 */
export function wholeNumber(text: string, option: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new CommandError(`${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The longest time of a timer, in ms. */
export const MOST_MS: number = 2 ** 31 - 1;

/**
 * Returns the ms that a text such as 500ms, 10s or 2m stands for; NaN for another text.
 * @param bare the unit of a number alone; without it, each number needs its unit
 */
export function msIn(text: string, bare = ''): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text) ?? [];
  return Number(number) * UNITS[unit || bare];
}

/**
 * Returns the ms of an option's text, as `msIn` does.
 * @throws CommandError unless it is a time of at least `least` ms
 */
export function timeOf(text: string, option: string, bare: 'ms' | 's', least: number): number {
  const ms = msIn(text, bare);
  if (ms >= least && ms <= MOST_MS) return ms;
  throw new CommandError(
    `${option} takes a time from ${least}ms to 24 days, such as 500ms, 10s or 2m, not ${JSON.stringify(text)}.`,
  );
}

/** RFC 9110 5.6.2 */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Returns the subprotocols that `--protocol` names, by lists too.
 * @throws CommandError for an invalid name, and for one that is given again
 */
export function protocolsOf(values: readonly string[]): string[] {
  const names = values.flatMap((value) => value.split(',')).map((name) => name.trim());
  const wrong = names.find((name, at) => !TOKEN.test(name) || names.indexOf(name) < at);
  if (wrong === undefined) return names;
  throw new CommandError(`--protocol takes names of subprotocols, each once, not ${JSON.stringify(wrong)}.`);
}

/** A field of a request. */
export type Field = [name: string, value: string];

/**
 * Returns the name and the value of a field that `--header` gives.
 * @throws CommandError for a line that is no field
 */
export function headerOf(line: string): Field {
  const [, name, value] = /^([^:]+):[ \t]*([\t -~\u0080-\u00ff]*)$/.exec(line) ?? [];
  if (name === undefined || !TOKEN.test(name))
    throw new CommandError(`--header takes 'NAME: VALUE', not ${JSON.stringify(line)}.`);
  return [name, value];
}

/** Adds the field Authorization of a URL to fields, unless these have one. */
export function withAuthorization(fields: readonly Field[], authorization: string | undefined): readonly Field[] {
  if (authorization === undefined || fields.some(([name]) => /^authorization$/i.test(name))) return fields;
  return [...fields, ['Authorization', authorization]];
}

/**
 * Returns the fields that `--header` and a URL name; one that is given again has all its values.
 * @throws CommandError for a line that is no field
 */
export function headersOf(lines: readonly string[], authorization: string | undefined): Record<string, string[]> {
  // Without a prototype, whose members have names of fields.
  const headers = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of withAuthorization(lines.map(headerOf), authorization)) {
    const given = Object.keys(headers).find((one) => one.toLowerCase() === name.toLowerCase());
    (headers[given ?? name] ??= []).push(value);
  }
  return headers;
}

/** Returns the version of this package, whose package.json is two directories above this file, built or not. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Returns a number with its word, in the plural unless the number is 1. */
export function plural(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}
