// Puts beside the compiled sources what tsc does not make: the CommonJS copies with their declarations, the kernel module as a
// file, and the mark that makes the CLI executable.
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

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
