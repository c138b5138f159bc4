// `readFile`, `parsed`, `writeFile` and `checkPlace` handle the files that the user names, and say which one cannot be used.
import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError, wordsOf } from './command-error.js';

/** @throws CommandError if the file cannot be read */
export function readFile(file: string): Buffer {
  return orCannot(`read ${file}`, () => readFileSync(file));
}

/** Returns the value of JSON, which may begin with a byte order mark; undefined for other text. */
export function parsed(json: Buffer | string): unknown {
  try {
    return JSON.parse(String(json).replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

/** @throws CommandError if the file cannot be written */
export function writeFile(file: string, text: string): void {
  orCannot(`write ${file}`, () => writeFileSync(file, text));
}

/** @throws CommandError if the file has no place, before work that would be in vain */
export function checkPlace(file: string): void {
  orCannot(`write ${file}`, () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isDirectory()) throw new Error('it is a directory');
    accessSync(found === undefined ? dirname(file) : file, constants.W_OK);
  });
}

/** @throws CommandError in place of another error */
function orCannot<Result>(what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw new CommandError(`Cannot ${what}: ${wordsOf(error)}.`);
  }
}
