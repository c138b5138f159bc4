// The types of `wsimd/codec`: each that a signature names can be imported, docs/codec.md tells every member, and its programs compile.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOOR = `${ROOT}src/sans-io.ts`;
const DEFLATE = `${ROOT}src/deflate/index.ts`;
const { options } = ts.getParsedCommandLineOfConfigFile(
  `${ROOT}tsconfig.json`,
  {
    noEmit: true,
    allowJs: true,
    checkJs: true,
    noImplicitAny: false,
    paths: { 'wsimd/codec': [DOOR], 'wsimd/codec/deflate': [DEFLATE] },
  },
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
)!;

/** The programs for the codec, as files of the root. */
const programs = new Map(
  Array.from(
    readFileSync(`${ROOT}docs/codec.md`, 'utf8').matchAll(/^```js\n\/\/ (codec-\S+)\.mjs\n([^]*?)^```$/gm),
    (match) => [`${ROOT}${match[1]}.readme.mjs`, match[2]],
  ),
);
const files = ts.createCompilerHost(options);
const host: ts.CompilerHost = {
  ...files,
  fileExists: (file) => programs.has(file) || files.fileExists(file),
  readFile: (file) => programs.get(file) ?? files.readFile(file),
  getSourceFile(file, language, ...more) {
    const text = programs.get(file);
    return text === undefined
      ? files.getSourceFile(file, language, ...more)
      : ts.createSourceFile(file, text, language);
  },
};
const program = ts.createProgram([DOOR, DEFLATE, ...programs.keys()], options, host);
const checker = program.getTypeChecker();

/** The exports of `wsimd/codec` and of `wsimd/codec/deflate`. */
const exports = [DOOR, DEFLATE].flatMap((door) =>
  checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(door)!)!),
);

function meant(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function isHidden(node: ts.Node): boolean {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return (
    modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) ||
    ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
  );
}

/** The names of types in a declaration's signatures; bodies and private members are nobody's. */
function namedTypes(node: ts.Node): ts.EntityName[] {
  if (ts.isBlock(node) || isHidden(node)) return [];
  if (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node) || ts.isParameter(node)) {
    return node.type === undefined ? [] : namedTypes(node.type);
  }
  const names: ts.EntityName[] = [];
  if (ts.isTypeReferenceNode(node)) names.push(node.typeName);
  if (ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression)) names.push(node.expression);
  ts.forEachChild(node, (child) => void names.push(...namedTypes(child)));
  return names;
}

test('every type that a signature names is exported', () => {
  const exported = exports.map(meant);
  const missing = new Set<string>();
  for (const symbol of exported) {
    for (const name of (symbol.declarations ?? []).flatMap(namedTypes)) {
      const type = meant(checker.getSymbolAtLocation(ts.isQualifiedName(name) ? name.left : name)!);
      const isOurs = type.declarations?.some((declared) => declared.getSourceFile().fileName.startsWith(`${ROOT}src/`));
      const isParameter = (type.flags & ts.SymbolFlags.TypeParameter) !== 0;
      if (isOurs === true && !isParameter && !exported.includes(type)) missing.add(`${symbol.name}: ${type.name}`);
    }
  }
  expect(exported.length).toBeGreaterThan(60);
  expect([...missing]).toEqual([]);
});

describe('the reference in docs/codec.md', () => {
  /** An entry: its names, the code in it, and the names that its own list opens with. */
  interface Entry {
    readonly names: readonly string[];
    readonly code: readonly string[];
    readonly listed: readonly string[];
  }

  const spans = (text: string): string[] => Array.from(text.matchAll(/`([^`]+)`/g), ([, code]) => code);
  /** The names of code before a colon, without their parameters. */
  const leading = (text: string): string[] => spans(text.slice(0, text.search(/:(?=\s)|$/))).map(nameOf);
  const nameOf = (code: string): string => code.replace(/\(.*/s, '');
  const page = readFileSync(`${ROOT}docs/codec.md`, 'utf8');
  const entries = Array.from(
    page.slice(page.indexOf('\n## Exports\n')).matchAll(/^- ([^]*?)(?=\n- |\n#|\n*$(?![^]))/gm),
    ([, text]): Entry => ({
      names: leading(text),
      code: spans(text.replaceAll(/\s+/g, ' ')),
      listed: Array.from(text.matchAll(/^ {2}- (`[^]*?:)(?=\s)/gm), ([, item]) => leading(item)).flat(),
    }),
  );
  const entryOf = (name: string): Entry | undefined => entries.find(({ names }) => names.includes(name));
  /** Types whose members stand with those of another. */
  const WITH: Readonly<Record<string, string>> = {
    DeflateParams: 'DeflateAgreement',
    FrameCursor: 'FrameDecoder',
    Receiving: 'Connection',
    Sending: 'Connection',
  };

  /** The members that a user sees, those of ours that are inherited included. */
  function membersOf(symbol: ts.Symbol): ts.Symbol[] {
    if (symbol.flags & ts.SymbolFlags.Enum) return [...symbol.exports!.values()];
    if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias))) return [];
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const types = type.isUnion() ? type.types : [type];
    const isOurs = ({ declarations = [] }: ts.Symbol): boolean =>
      declarations.some((at) => at.getSourceFile().fileName.startsWith(`${ROOT}src/`)) && !declarations.some(isHidden);
    return [...new Map(types.flatMap((one) => one.getProperties()).map((member) => [member.name, member])).values()]
      .filter(isOurs)
      .filter(({ name }) => !name.startsWith('__'));
  }

  /** How a call is written: a name with its parameters, where it is a function or a method. */
  function calls(name: string, { declarations = [] }: ts.Symbol): RegExp {
    const declared = declarations.find(
      (at) => ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at) || ts.isMethodSignature(at),
    ) as ts.SignatureDeclaration | undefined;
    if (declared === undefined) return new RegExp(`(^|[.])${name}$`);
    const parameters = declared.parameters.map(({ name: to }) => (ts.isIdentifier(to) ? to.text : '\\w+'));
    return new RegExp(`^${name}\\(${parameters.join(', ')}\\)$`);
  }

  test.each(exports)('$name has an entry with all its members and parameters', (symbol) => {
    const own = meant(symbol);
    const entry = entryOf(symbol.name);
    expect(entry, symbol.name).toBeDefined();
    if (own.flags & ts.SymbolFlags.Function) expect(entry!.code[0]).toMatch(calls(symbol.name, own));
    const missing = membersOf(own).filter((member) => {
      const parents = (member.declarations ?? []).map((at) => (at.parent as ts.NamedDeclaration).name?.getText());
      const code = [symbol.name, WITH[symbol.name], ...parents].flatMap((name) => entryOf(name ?? '')?.code ?? []);
      return !code.some((span) => calls(member.name, member).test(span));
    });
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  test('names nothing that is not there', () => {
    const known = new Map(exports.map((symbol) => [symbol.name, membersOf(meant(symbol)).map(({ name }) => name)]));
    expect(entries.flatMap(({ names }) => names).filter((name) => !known.has(name))).toEqual([]);
    for (const { names, listed } of entries) {
      const members = names.flatMap((name) => known.get(name) ?? []);
      expect(listed.filter((name) => !members.includes(name))).toEqual([]);
    }
    expect(entries.flatMap(({ listed }) => listed).length).toBeGreaterThan(100);
  });
});

test('the programs of docs/codec.md compile', () => {
  expect(programs.size).toBe(8);
  const diagnostics = [...programs.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
