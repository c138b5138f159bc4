// Does to the compiled sources what tsc does not: writes numbers and members of enums into the code that uses them, and puts beside it
// the CommonJS copies with their declarations, the kernel module as a file, and the mark that makes the CLI executable.
import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import ts from 'typescript';

/** Modules of numbers, and of enums: they import nothing that is written to here. */
const HAS_CONSTANTS = /\/dist\/(spec\/[\w-]+|connection\/(event|state)|node\/types)\.js$/;

/**
 * Replaces each use of a number or an enum's member that a module imports from one of these by its value, as the AssemblyScript
 * compiler does. An import is read from memory whenever it is used, which took a tenth of the time of decoding a short message.
 */
async function writeConstants(file) {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imported = new Map();
  for (const { importClause, moduleSpecifier } of source.statements.filter(ts.isImportDeclaration)) {
    const module = path.resolve(path.dirname(file), moduleSpecifier.text);
    if (!HAS_CONSTANTS.test(module)) continue;
    const values = await import(module);
    for (const { name } of importClause.namedBindings.elements) imported.set(name.text, values[name.text]);
  }
  const edits = [];
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const member = imported.get(node.expression.text)?.[node.name.text];
      if (typeof member === 'number' || typeof member === 'string')
        return void edits.push([node.getStart(), node.end, JSON.stringify(member)]);
    }
    const isUse = ts.isIdentifier(node) && !ts.isShorthandPropertyAssignment(node.parent) && node.parent.name !== node;
    if (isUse && typeof imported.get(node.text) === 'number') {
      edits.push([node.getStart(), node.end, imported.get(node.text)]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let written = text;
  for (const [start, end, value] of edits.toReversed()) written = written.slice(0, start) + value + written.slice(end);
  if (edits.length > 0) writeFileSync(file, written);
}
const compiled = readdirSync('dist', { recursive: true }).filter((name) => /^(?!spec|conformance).*\.js$/.test(name));
await Promise.all(compiled.map((name) => writeConstants(path.join('dist', name))));

// One build of both doors, so that they share what they have in common.
const DOORS = { index: 'dist/index.js', 'sans-io': 'dist/sans-io.js' };

/** `require('wsimd')` is the class itself, which carries everything else: its door has a default export and no other. */
const classAlone = {
  name: 'class-alone',
  resolveId: (id) => (id === 'class-alone' ? id : null),
  load: (id) => (id === 'class-alone' ? `export { default } from '${path.resolve(DOORS.index)}';` : null),
};

const bundle = await rolldown({
  input: { ...DOORS, index: 'class-alone' },
  platform: 'node',
  plugins: [classAlone],
});
await bundle.write({
  dir: 'dist',
  format: 'cjs',
  exports: 'auto',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
});
await bundle.close();

/** Copies a declaration file, and those it imports, for users in CommonJS: as .d.cts, with .cjs in its imports. */
function copyDeclarations(file, done = new Set()) {
  if (done.has(file)) return;
  done.add(file);
  const text = readFileSync(`${file}.d.ts`, 'utf8').replaceAll(/(from |import\()'(\.[^']+)\.js'/g, (_, start, name) => {
    copyDeclarations(path.join(path.dirname(file), name), done);
    return `${start}'${name}.cjs'`;
  });
  writeFileSync(`${file}.d.cts`, text);
}
copyDeclarations('dist/sans-io');
copyFileSync('src/index.d.cts', 'dist/index.d.cts');
copyFileSync('src/index.d.mts', 'dist/index.d.mts');

copyFileSync('build/codec.wasm', 'dist/codec.wasm');
chmodSync('dist/cli/index.js', 0o755);
