// The types of `wsimd/codec`: each that a signature names can be imported, and programs of docs/codec.md compile under `strict`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DOOR = `${ROOT}src/sans-io.ts`;
const { options } = ts.getParsedCommandLineOfConfigFile(
  `${ROOT}tsconfig.json`,
  { noEmit: true, allowJs: true, checkJs: true, noImplicitAny: false, paths: { 'wsimd/codec': [DOOR] } },
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
const program = ts.createProgram([DOOR, ...programs.keys()], options, host);
const checker = program.getTypeChecker();

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
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(DOOR)!)!).map(meant);
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

test('every export stands in docs/codec.md', () => {
  const page = readFileSync(`${ROOT}docs/codec.md`, 'utf8');
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(DOOR)!)!);
  expect(exported.map(({ name }) => name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('the programs of docs/codec.md compile', () => {
  expect(programs.size).toBe(3);
  const diagnostics = [...programs.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
