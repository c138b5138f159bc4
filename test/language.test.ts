// The language of the house: how a file opens, which words it never uses, and how wide its prose is.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WORDS_AT_MOST = 25;
const PROSE_COLUMNS = 100;
/** Of a hundred lines of comment, so many may hold the word "what". */
const WHAT_PER_HUNDRED = 1;

const files = execFileSync('git', ['ls-files'], { cwd: ROOT }).toString().trim().split('\n');
const sources = files.filter((file) => /^(src|assembly)\/.*\.ts$/.test(file));
const documents = files.filter((file) => /^((docs\/)?[\w-]+|bench\/NOTES)\.md$/.test(file));

const read = (file: string): string => readFileSync(`${ROOT}/${file}`, 'utf8');

/** The lines of a source that are comments. */
function comments(file: string): string[] {
  return read(file)
    .split('\n')
    .filter((line) => /^\s*(\/\/|\/\*\*|\*)/.test(line));
}

/** The first sentence of the comment that a file opens with. */
function opening(file: string): string {
  const text = read(file).replace(/^#!.*\n/, '');
  const comment = /^(?:\/\/.*\n)+|^\/\*[^]*?\*\//.exec(text)?.[0] ?? '';
  const words = comment.replaceAll(/^\s*(?:\/\/|\/\*+|\*+\/?)|\*\/$/gm, '').replaceAll(/\s+/g, ' ');
  return /^[^]*?[.:](?=\s|$)/.exec(words.trim())?.[0] ?? '';
}

/** The names that a file exports by a declaration. */
function exported(file: string): string[] {
  const declaration =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|let|enum|interface|type) (\w+)/gm;
  return [...read(file).matchAll(declaration)].map(([, name]) => name);
}

test(`a source file opens with one sentence of at most ${WORDS_AT_MOST} words that names an export`, () => {
  const strange = sources.flatMap((file) => {
    const sentence = opening(file);
    const names = exported(file);
    const isNamed = names.length === 0 || names.some((name) => new RegExp(`\\b${name}\\b`).test(sentence));
    return sentence.split(' ').length <= WORDS_AT_MOST && !/ <?-> /.test(sentence) && isNamed
      ? []
      : [`${file}: ${sentence}`];
  });
  expect(strange).toEqual([]);
});

test('comments and documents say the caller, the peer and bytes', () => {
  const words = /\b(whoever|somebody|what is to be|octets?)\b/i;
  const inComments = sources.flatMap((file) =>
    comments(file)
      .filter((line) => words.test(line.replaceAll(/`[^`]*`/g, '')))
      .map((line) => `${file}: ${line.trim()}`),
  );
  const inDocuments = documents.flatMap((file) =>
    read(file)
      .split('\n')
      .filter((line) => words.test(line.replaceAll(/`[^`]*`/g, '')))
      .map((line) => `${file}: ${line}`),
  );
  expect([...inComments, ...inDocuments]).toEqual([]);
});

test('tests, benches and scripts speak of no "whoever" or "somebody" either', () => {
  const words = /\b(whoever|somebody|what is to be)\b/i;
  const speaking = files
    .filter((file) => /^(test|bench|scripts|examples)\/.*\.[cm]?[jt]s$/.test(file) && file !== 'test/language.test.ts')
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, at) => (words.test(line) ? [`${file}:${at + 1}`] : [])),
    );
  expect(speaking).toEqual([]);
});

test('commands and errors speak of bytes', () => {
  // The classic reports, whose words programs read, keep theirs.
  const speaking = sources
    .filter((file) => !file.startsWith('src/conformance/'))
    .flatMap((file) =>
      read(file)
        .split('\n')
        .filter((line) => /['"`](?:[^'"`]* )?octets?(?: [^'"`]*)?['"`]|>[^<>&=]*\boctets?\b[^<>&=]*</i.test(line))
        .filter((line) => !/'octets'/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
  expect(speaking).toEqual([]);
});

test(`the word "what" stands in less than ${WHAT_PER_HUNDRED} % of comment lines`, () => {
  const all = sources.flatMap(comments);
  const with_ = all.filter((line) => /\bwhat\b/i.test(line));
  expect((with_.length / all.length) * 100).toBeLessThan(WHAT_PER_HUNDRED);
});

test(`prose has at most ${PROSE_COLUMNS} columns`, () => {
  const wide = documents.flatMap((file) => {
    let isProgram = false;
    return read(file)
      .split('\n')
      .flatMap((line, at) => {
        if (line.startsWith('```')) isProgram = !isProgram;
        return isProgram || line.startsWith('|') || line.length <= PROSE_COLUMNS ? [] : [`${file}:${at + 1}`];
      });
  });
  expect(wide).toEqual([]);
});
