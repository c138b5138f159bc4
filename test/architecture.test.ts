// The plan of the house as data: which room may import which, how a file opens, how long it is, and what it never names.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A room is a directory of src/, or a file that stands alone there; ARCHITECTURE.md says what each may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...readFileSync(`${ROOT}/ARCHITECTURE.md`, 'utf8').matchAll(/^\| `([\w-]+)` *\|[^|]*\|([^|]*)\|$/gm)].map(
    ([, room, rooms]) => [room, rooms.replaceAll('\\', '').trim().split(/, */).filter(Boolean)],
  ),
);

/** Everything that runs where there is no Node. */
const NEUTRAL = [
  'spec',
  'queue',
  'errors',
  'kernels',
  'values',
  'codec',
  'extensions',
  'handshake',
  'connection',
  'sans-io',
  'deflate',
];

const LINES_AT_MOST = 300;
/** Longer files, each with its reason. A file that has become short leaves the list. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'assembly/deflate/inflate.ts': 'the state of a stream, which its readers share, is in globals of one module',
  'src/connection/connection.ts': 'a class of less than 300 lines, with a docstring for each public member',
  'src/connection/outbound.ts': 'the form of what waits stands before a class of less than 300 lines',
  'src/codec/frame-encoder.ts': 'the class below, and its options',
  'src/codec/frame-decoder.ts': 'the options stand before a class of less than 300 lines',
  'src/node/websocket.ts': 'the one class that users hold, with a docstring for each thing they may do',
  'src/node/session.ts': 'one open connection: its events, its callbacks and its end share one state',
  'src/node/socket-writer.ts': 'the order of writes, and the rules by which they leave, share one state',
  'src/index.d.cts': 'the types of everything that ws exports, in the one namespace that users of ws know',
};

/** Longer classes, likewise. */
const LONG_CLASSES: Readonly<Record<string, string>> = {
  FrameEncoder: 'its ways to write a frame share the place where the next one goes, and are the hottest of all',
  SocketWriter: 'the order of writes, and the rules by which they leave, share one state',
  Session: 'one open connection: its events, its callbacks and its end share one state',
  WebSocket: 'the one class that users hold, with a docstring for each thing they may do',
};

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT })
  .toString()
  .trim()
  .split('\n')
  .filter((file) => existsSync(`${ROOT}/${file}`));
const sources = files.filter((file) => /^(src|assembly)\/.*\.[cm]?ts$/.test(file));

function read(file: string): string {
  return readFileSync(`${ROOT}/${file}`, 'utf8');
}

function roomOf(file: string): string {
  const [top, name] = file.split('/');
  return top === 'assembly' ? 'assembly' : name.replace(/(\.d)?\.[cm]?[jt]s$/, '');
}

/** The rooms that a file imports from, type imports and dynamic ones too. */
function importedRooms(file: string): string[] {
  return ts.preProcessFile(read(file)).importedFiles.map(({ fileName }) => {
    if (fileName.endsWith('.wasm')) return 'kernels';
    if (fileName.startsWith('.')) {
      return roomOf(posix.join(posix.dirname(file), fileName));
    }
    return fileName.startsWith('node:') ? 'node:*' : `package ${fileName}`;
  });
}

/** The comment that a file opens with, without its marks. */
function openingComment(file: string): string {
  const text = read(file).replace(/^#!.*\n/, '');
  const comment = /^(?:\/\/.*\n)+|^\/\*[^]*?\*\//.exec(text)?.[0] ?? '';
  return comment.replaceAll(/^\s*(?:\/\/|\/\*+|\*+\/?)|\*\/$/gm, '').trim();
}

/** The steps of the two corridors that ARCHITECTURE.md draws: in each, names of functions and the file that has them. */
const WALKS = (/```\n(in {2}[^]*?)\n```/.exec(read('ARCHITECTURE.md'))?.[1] ?? '').split('\n\n').map((walk) =>
  walk.split('\n').map((line) => {
    const [names, , file] = line.slice(6).split(/ {2,}/);
    return { names: names.split(', '), file: file.startsWith('assembly/') ? file : `src/${file}` };
  }),
);

describe.each(WALKS.map((steps) => ({ from: steps[0].names[0], steps })))('the walk from $from', ({ steps }) => {
  const MODIFIERS = '(?:export |function |private |protected |public |override |abstract |static )*';

  test('names functions that their files declare', () => {
    const strange = steps.flatMap(({ names, file }) =>
      names
        .filter((name) => {
          const [owner, method = owner] = name.split('.');
          const text = read(file);
          const isDeclared = new RegExp(`^ *${MODIFIERS}${method}[(<]`, 'm').test(text);
          return !isDeclared || (owner !== method && !text.includes(`class ${owner} `));
        })
        .map((name) => `${file} has no ${name}`),
    );
    expect(steps.length).toBeGreaterThan(10);
    expect(strange).toEqual([]);
  });

  test('goes on by calls: each function is named in the file of a step before it, or in its own', () => {
    const lost = steps.flatMap(({ names, file }, index) => {
      const texts = [...new Set([...steps.slice(0, index).map((step) => step.file), file])].map(read).join('\n');
      const isCalled = (name: string): boolean => {
        const method = name.split('.').at(-1)!;
        const declared = texts.match(new RegExp(`^ *${MODIFIERS}${method}[(<]`, 'gm'))?.length ?? 0;
        return (texts.match(new RegExp(`\\b${method}\\b(?!\\s*[:'])`, 'g'))?.length ?? 0) > declared;
      };
      return index === 0 ? [] : names.filter((name) => !isCalled(name)).map((name) => `nothing calls ${name}`);
    });
    expect(lost).toEqual([]);
  });
});

describe('the layers', () => {
  test('are all of the source', () => {
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter((file) => !(roomOf(file) in MAY_IMPORT))).toEqual([]);
  });

  test('import only what lies beneath them', () => {
    const stray = sources.flatMap((file) => {
      const room = roomOf(file);
      const allowed = [room, ...(MAY_IMPORT[room] ?? [])];
      return importedRooms(file)
        .filter((imported) => !allowed.includes(imported))
        .map((imported) => `${file} imports ${imported}`);
    });
    expect(stray).toEqual([]);
  });

  test('have no circle between files, type imports counted', () => {
    const importsOf = new Map(
      sources.map((file) => [
        file,
        ts
          .preProcessFile(read(file))
          .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
          .map(({ fileName }) => posix.join(posix.dirname(file), fileName).replace(/(\.js)?$/, '.ts')),
      ]),
    );
    // Files that import only settled files are settled, again and again; a circle, and those above it, never are.
    const settled = new Set<string>();
    for (let before = -1; before < settled.size;) {
      before = settled.size;
      for (const [file, imported] of importsOf) {
        if (imported.every((name) => settled.has(name) || !importsOf.has(name))) settled.add(file);
      }
    }
    expect(sources.filter((file) => !settled.has(file))).toEqual([]);
  });

  test('that run anywhere do not know Node', () => {
    for (const room of NEUTRAL) {
      expect(
        [room, ...MAY_IMPORT[room]].every((name) => NEUTRAL.includes(name)),
        room,
      ).toBe(true);
    }
    const stray = sources
      .filter((file) => NEUTRAL.includes(roomOf(file)))
      .filter((file) => importedRooms(file).includes('node:*'));
    expect(stray).toEqual([]);
  });
});

describe('every source file', () => {
  test('opens with a sentence that says what it does', () => {
    expect(sources.filter((file) => !/^\S[^]{15,}\./.test(openingComment(file)))).toEqual([]);
  });

  test(`has at most ${LINES_AT_MOST} lines, or a reason`, () => {
    const long = sources.filter((file) => read(file).split('\n').length - 1 > LINES_AT_MOST);
    expect(long.sort()).toEqual(Object.keys(LONG_FILES).sort());
  });

  test(`has no class of more than ${LINES_AT_MOST} lines without a reason`, () => {
    const long = sources
      .filter((file) => !file.includes('.d.'))
      .flatMap((file) => [...read(file).matchAll(/^(?:export )?(?:abstract )?class (\w+)[^]*?^}$/gm)])
      .filter(([text]) => text.split('\n').length > LINES_AT_MOST)
      .map(([, name]) => name);
    expect(long.sort()).toEqual(Object.keys(LONG_CLASSES).sort());
  });
});

test('every value that a source file exports is named in another file', () => {
  const naming = new Map<string, number>();
  for (const file of files.filter((name) => /\.[cm]?[jt]s$/.test(name))) {
    for (const word of new Set(read(file).match(/\w+/g))) naming.set(word, (naming.get(word) ?? 0) + 1);
  }
  const declared = /^export (?:abstract |async )?(?:function\*?|class|const|let|enum) (\w+)/gm;
  const idle = sources.flatMap((file) =>
    Array.from(read(file).matchAll(declared), ([, name]) => name)
      .filter((name) => naming.get(name) === 1)
      .map((name) => `${file}: ${name}`),
  );
  expect(idle).toEqual([]);
});

describe('the repository', () => {
  test('names no place outside itself', () => {
    // Put together from parts, so that this file does not name them either.
    const planning = ['..', 'shared'].join('/');
    const places = [
      ['', 'work', ''],
      ['', 'root', ''],
      ['', 'home', ''],
      ['', 'Users', ''],
      ['shared', 'design'],
      ['shared', 'reference'],
    ];
    const needles = [planning, ...places.map((parts) => parts.join('/'))];
    const naming = files.flatMap((file) => {
      const text = read(file);
      return needles.filter((needle) => text.includes(needle)).map((needle) => `${file} names ${needle}`);
    });
    expect(naming).toEqual([]);
  });
});
