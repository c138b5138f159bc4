// `explained` and `wholeNumber` read the words of a command line, and name a wrong one in one sentence.
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
