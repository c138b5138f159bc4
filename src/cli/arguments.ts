// `explained` and its neighbours read the words of a command line, and name a wrong one in one sentence.
import { readFileSync } from 'node:fs';
import { CommandError, wordsOf } from './command-error.js';

/**
 * The result of `parse` for a command's arguments.
 * @param command its name, for the sentence
 * @throws CommandError in place of the error of `parse`, by way of parseArgs
 */
export function explained<Parsed>(command: string, parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    const [sentence] = wordsOf(error).split(/\.\s/);
    throw new CommandError(`wsimd ${command}: ${sentence.replace(/\.$/, '')}.`);
  }
}

/**
 * The number that an option's text says.
 * @throws CommandError unless it is a whole number within the bounds
 */
export function wholeNumber(text: string, option: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new CommandError(`${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}.`);
}

/**
 * The contents of a certificate or a key.
 * @throws CommandError
 */
export function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(`Cannot read ${file}: ${wordsOf(error)}.`);
  }
}

/** The version of this package, which lies two directories above this file, built or not. */
export function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** A number with its word. */
export function plural(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}

/**
 * A path that was given under this name; an empty one would be the directory that the command runs in.
 * @throws CommandError when it is empty
 */
export function pathOf(path: string | undefined, name: string): string | undefined {
  if (path === '') throw new CommandError(`${name} is empty: give a path, or leave it out.`);
  return path;
}
