// `readTesteeList` reads the testees of a table from a JSON file, and names a mistake in it in one sentence.

import { readFile } from './files.js';
import { CommandError, wordsOf } from './command-error.js';

/** A testee of the table. */
export interface ListedTestee {
  name: string;
  role: 'server' | 'client';
  /** The command. `{port}` is the port that a server listens on, and `{url}` the URL that a client connects to. */
  command: string[];
  /** The command that prints its version on the first line. */
  version: string[];
  /** The end of a server's URL. */
  path: string;
}

/** The list, and the settings that all of its testees share. */
export interface TesteeList {
  /** The text above the table. */
  about: string;
  cases: string[];
  exclude: string[];
  testees: ListedTestee[];
}

/**
 * Reads the file.
 * @throws CommandError when it cannot be read or is no list of testees
 */
export function readTesteeList(path: string): TesteeList {
  const text = String(readFile(path));
  try {
    const list = record(JSON.parse(text), 'the whole');
    return {
      about: optional(list, 'about', '', string),
      cases: optional(list, 'cases', ['*'], strings),
      exclude: optional(list, 'exclude', [], strings),
      testees: array(list.testees, 'testees').map(readTestee),
    };
  } catch (error) {
    throw new CommandError(`The list of testees is not right: ${wordsOf(error)}.`);
  }
}

function readTestee(value: unknown): ListedTestee {
  const testee = record(value, 'a testee');
  const { role } = testee;
  const name = string(testee.name, 'name');
  if (role !== 'server' && role !== 'client') throw new Error(`the role of ${name} is neither server nor client`);
  return {
    name,
    role,
    command: strings(testee.command, `the command of ${name}`),
    version: optional(testee, 'version', [], strings),
    path: optional(testee, 'path', '/', string),
  };
}

function optional<T>(
  of: Record<string, unknown>,
  key: string,
  otherwise: T,
  read: (value: unknown, what: string) => T,
): T {
  return of[key] === undefined ? otherwise : read(of[key], key);
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} is not an object`);
}

function array(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${what} is not a list`);
}

function string(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what} is not a string`);
}

function strings(value: unknown, what: string): string[] {
  return array(value, what).map((one) => string(one, `an item of ${what}`));
}
