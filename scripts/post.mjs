// Does to the compiled sources what tsc does not: writes the numbers of the spec into the code that uses them, and puts beside it
// the CommonJS copies with their declarations, the kernel module as a file, and the mark that makes the CLI executable.
import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import ts from 'typescript';

/**
 * Replaces each use of a number that a module imports from the spec by the number, as the AssemblyScript compiler does. An import
 * is read from memory whenever it is used, which took a tenth of the time of decoding a short message.
 */
async function writeNumbers(file) {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imported = new Map();
  for (const { importClause, moduleSpecifier } of source.statements.filter(ts.isImportDeclaration)) {
    if (!/\/spec\/[\w-]+\.js$/.test(moduleSpecifier.text)) continue;
    const values = await import(path.resolve(path.dirname(file), moduleSpecifier.text));
    for (const { name } of importClause.namedBindings.elements) imported.set(name.text, values[name.text]);
  }
  const edits = [];
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const number = imported.get(node.expression.text)?.[node.name.text];
      if (typeof number === 'number') return void edits.push([node.getStart(), node.end, number]);
    }
    const isUse = ts.isIdentifier(node) && !ts.isShorthandPropertyAssignment(node.parent) && node.parent.name !== node;
    if (isUse && typeof imported.get(node.text) === 'number') {
      edits.push([node.getStart(), node.end, imported.get(node.text)]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let written = text;
  for (const [start, end, number] of edits.toReversed())
    written = written.slice(0, start) + number + written.slice(end);
  if (edits.length > 0) writeFileSync(file, written);
}
const compiled = readdirSync('dist', { recursive: true }).filter((name) => /^(?!spec|conformance).*\.js$/.test(name));
await Promise.all(compiled.map((name) => writeNumbers(path.join('dist', name))));

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
