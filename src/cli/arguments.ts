// The words of a command line -> values that a command can use, or one sentence that says what is wrong with them.
import { CommandError, wordsOf } from './command-error.js';

/**
 * What `parse` makes of a command's arguments.
 * @param command its name, for the sentence
 * @throws CommandError in place of what `parse`, by way of parseArgs, throws
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
