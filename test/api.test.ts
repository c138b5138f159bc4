// docs/api.md against the declarations: each option, event, property and method of ours stands in its chapter.
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { readDocument } from './support/documents.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOOR = `${ROOT}src/index.d.cts`;
const { options } = ts.getParsedCommandLineOfConfigFile(
  `${ROOT}tsconfig.json`,
  { noEmit: true },
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
)!;
const program = ts.createProgram([DOOR], options);
const checker = program.getTypeChecker();
const REFERENCE = readDocument('docs/api.md');

/** The declared members of a class or interface, those of ours that it extends included. */
function membersOf(name: string): string[] {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if ((ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) && node.name?.text === name) {
      const type = checker.getTypeAtLocation(node);
      for (const member of type.getProperties()) {
        const isOurs = member.declarations?.some((at) => at.getSourceFile().fileName.startsWith(`${ROOT}src/`));
        if (isOurs === true && !member.name.startsWith('__')) names.add(member.name);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(program.getSourceFile(DOOR)!);
  return [...names];
}

/** The text below a heading, up to the next one of the same or a higher level. */
function chapter(title: string): string {
  const from = REFERENCE.indexOf(`# ${title}\n`);
  expect(from, title).toBeGreaterThan(0);
  const rest = REFERENCE.slice(from + 2);
  const level = /#*$/.exec(REFERENCE.slice(0, from + 1))![0].length;
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return end < 0 ? rest : rest.slice(0, end);
}

const LISTENERS = ['on', 'once', 'off', 'addListener', 'removeListener'];

test.each([
  ['SharedOptions', 'Options of a server and a client'],
  ['Heartbeat', 'Options of a server and a client'],
  ['PerMessageDeflateOptions', 'Compression'],
  ['MessageOptions', 'Methods'],
  ['CloseInfo', 'Properties'],
  ['BroadcastOptions', 'Properties and methods of a server'],
  ['WebSocketEvents', 'Events'],
  ['ServerEvents', 'Events of a server'],
  ['Server', 'Properties and methods of a server'],
  ['WebSocket', 'Class: WebSocket'],
  ['Receiver', 'Receiver, Sender and PerMessageDeflate'],
  ['Sender', 'Receiver, Sender and PerMessageDeflate'],
  ['PerMessageDeflate', 'Receiver, Sender and PerMessageDeflate'],
])('every name of %s stands below "%s"', (type, title) => {
  const text = chapter(title);
  const missing = membersOf(type).filter(
    (name) => !LISTENERS.includes(name) && !new RegExp(`[\`'. ,{]${name}\\b`).test(text),
  );
  expect(missing).toEqual([]);
});

test.each([
  ['ServerOptions', 'Options of a server'],
  ['ClientOptions', 'Options of a client'],
])('the options of %s are those below "%s"', (type, title) => {
  const shared = membersOf('SharedOptions');
  const declared = membersOf(type).filter((name) => !shared.includes(name));
  expect(declared.length).toBeGreaterThan(10);
  const listed = Array.from(chapter(title).matchAll(/^- `(\w+)`/gm), ([, name]) => name);
  expect(listed.filter((name) => !shared.includes(name)).sort()).toEqual(declared.sort());
});
