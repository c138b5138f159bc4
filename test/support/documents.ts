// `readDocument` reads a text for users, README.md or a page of docs/, and `programs` are the programs in all of them.
import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);

/** Reads a document by its path from the root. */
export const readDocument = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** README.md and every page of docs/. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  ...readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** A program, and the text that it prints where the document shows that. */
export interface Program {
  readonly code: string;
  readonly output: string | undefined;
}

/** The programs of all documents by the names in their first lines. */
export const programs: ReadonlyMap<string, Program> = new Map(
  DOCUMENTS.flatMap((path) =>
    Array.from(
      readDocument(path).matchAll(
        /^```js\n\/\/ (\S+\.mjs)\n([^]*?)^```$(?:\n\n(?:It prints:\n\n)?```text\n([^]*?)^```$)?/gm,
      ),
      ([, name, code, output]): [string, Program] => [name, { code, output }],
    ),
  ),
);
