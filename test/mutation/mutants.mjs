// `readModule` compiles the kernels to text, and `mutantsOf` lists every change of one instruction, named by its line of source.
import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

const SWAPS = {
  add: 'sub',
  sub: 'add',
  and: 'or',
  or: 'and',
  xor: 'or',
  shl: 'shr_u',
  shr_u: 'shl',
  shr_s: 'shl',
  rotr: 'rotl',
  eq: 'ne',
  ne: 'eq',
  lt_s: 'le_s',
  le_s: 'lt_s',
  gt_s: 'ge_s',
  ge_s: 'gt_s',
  lt_u: 'le_u',
  le_u: 'lt_u',
  gt_u: 'ge_u',
  ge_u: 'gt_u',
};

const DROPS = ['i32', 'i64', 'f64', 'v128']
  .map((type) => `(func $drop_${type} (param i32) (param ${type}))`)
  .join('\n');

/**
 * The release module as text with the names of its functions, and for each line of the text the line of source that it comes from.
 * @returns {Promise<{ text: string, sources: string[] }>}
 */
export async function readModule() {
  const files = new Map();
  const stderr = asc.createMemoryStream();
  const { error } = await asc.main(
    'assembly/index.ts --config asconfig.json --target release --debug --sourceMap --outFile mutants.wasm --textFile mutants.wast'
      .split(' ')
      .concat('--baseDir', root),
    { stderr, writeFile: (name, contents) => void files.set(name, contents) },
  );
  if (error) throw new Error(stderr.toString(), { cause: error });
  const lines = [];
  const sources = [];
  let source = '';
  for (const line of files.get('mutants.wast').split('\n')) {
    const location = /^\s*;;@ ?(?:(.*):(\d+):\d+)?$/.exec(line);
    if (location !== null) {
      // An instruction without a place of its own stands with the one around it.
      if (location[1] !== undefined) source = sourceLine(location[1], Number(location[2]));
      continue;
    }
    lines.push(line);
    sources.push(source);
  }
  return { text: lines.join('\n').replace(/\)\s*$/, `${DROPS}\n)`), sources };
}

const read = new Map();

function sourceLine(file, line) {
  if (file.startsWith('~')) return path.basename(file);
  if (!read.has(file)) read.set(file, readFileSync(path.join(root, file), 'utf8').split('\n'));
  return `${path.basename(file)} \`${read.get(file)[line - 1].trim()}\``;
}

/** The binary of a module's text; undefined where the text is no valid module. */
export function compile(text) {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  try {
    return module.validate() ? Buffer.from(module.emitBinary()) : undefined;
  } finally {
    module.dispose();
  }
}

/** Every place in the text of a module where something can be changed, and by what. */
function sites(text) {
  const found = [];
  const body = text.indexOf('\n (func $');
  const add = (match, by, change) => {
    if (match.index > body) found.push({ at: match.index, length: match[0].length, by, change });
  };
  for (const match of text.matchAll(/\((i32|i64|i8x16|i16x8|v128)\.(\w+)/g)) {
    const [, type, operation] = match;
    const swap = type === 'i8x16' && operation === 'add' ? 'sub' : SWAPS[operation];
    const isVector = type.includes('x') || type === 'v128';
    if (swap === undefined || (isVector && /rotr|_s$/.test(operation))) continue;
    add(match, `(${type}.${swap}`, `${type}.${operation} -> ${swap}`);
  }
  for (const match of text.matchAll(/\((i32|i64)\.const (-?\d+)\)/g)) {
    for (const step of [1n, -1n]) {
      const value = BigInt(match[2]) + step;
      add(match, `(${match[1]}.const ${value})`, `${match[1]}.const ${match[2]} -> ${value}`);
    }
  }
  for (const match of text.matchAll(/\((i32|i64|f64|v128)\.(store(?:8|16|32)?)( offset=\d+)?( align=\d+)?/g)) {
    add(match, `(call $drop_${match[1]}`, `without ${match[1]}.${match[2]}${match[3] ?? ''}`);
  }
  return found.sort((a, b) => a.at - b.at);
}

/**
 * Every mutant of a module. Its name has the function, the change and the line of source, so that it stays the same whatever
 * changes elsewhere; the same change of the same line more than once in a function is numbered.
 * @returns {{ name: string, line: number, binary: () => Buffer | undefined }[]}
 */
export function mutantsOf({ text, sources }) {
  const seen = new Map();
  let line = 0;
  let counted = 0;
  let name = '';
  return sites(text).map(({ at, length, by, change }) => {
    for (const end = at; counted < end; counted++) {
      if (text[counted] !== '\n') continue;
      line++;
      name = /^ \(func \$(?:.*\/)?([\w~]+)/.exec(text.slice(counted + 1, counted + 200))?.[1] ?? name;
    }
    const plain = `${name}: ${change} in ${sources[line]}`;
    const before = seen.get(plain) ?? 0;
    seen.set(plain, before + 1);
    return {
      name: before === 0 ? plain : `${plain} (${before + 1})`,
      line: line + 1,
      binary: () => compile(text.slice(0, at) + by + text.slice(at + length)),
    };
  });
}
