// This script does to the compiled sources what tsc does not: it writes numbers and members of enums into the code that uses them, makes
// the doors of the package with their declarations, and puts the kernel module and the mark that makes the CLI executable beside them.
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { minifySync } from 'rolldown/experimental';
import ts from 'typescript';
import { shakeDeclarations } from './shake-declarations.mjs';

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
const compiled = readdirSync('dist', { recursive: true }).filter((name) => name.endsWith('.js'));
const users = compiled.filter((name) => !/^(spec|conformance)\//.test(name));
await Promise.all(users.map((name) => writeConstants(path.join('dist', name))));

// What is said of the code stands in the sources, and what is said of the interface in the declarations.
const printer = ts.createPrinter({ removeComments: true });
for (const name of compiled) {
  const file = path.join('dist', name);
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  writeFileSync(file, printer.printFile(source));
}

// The pages that the commands serve and write: scripts and styles stand in templates, under these names.
const WRITTEN_PAGE = /^(?:\w+_)?(SCRIPT|STYLE)$/;

/** A style sheet, or a piece of one, without the white space that says nothing. */
function shortStyle(text) {
  return text.replaceAll(/('[^']*'|"[^"]*")|\s*([{};,>])\s*|(:)\s+|\s+/g, (_, quoted, sign, colon) => {
    return quoted ?? sign ?? colon ?? ' ';
  });
}

function shortScript(text) {
  const { code, errors } = minifySync('page.js', text, { module: false, mangle: { toplevel: false } });
  if (errors.length > 0) throw new Error(errors[0].message);
  return code;
}

/** Shortens the scripts and styles of pages that a module writes. */
function shortenPages(file) {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const edits = [];
  const visit = (node, isStyle) => {
    const kind = ts.isVariableDeclaration(node) ? WRITTEN_PAGE.exec(node.name.getText())?.[1] : undefined;
    if (kind === 'SCRIPT') {
      const { initializer } = node;
      const script = ts.isTaggedTemplateExpression(initializer) ? initializer.template.rawText : initializer.text;
      return void edits.push([initializer.getStart(), initializer.end, JSON.stringify(shortScript(script))]);
    }
    const styles = isStyle || kind === 'STYLE';
    const isPiece = ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
    if (styles && (isPiece || ts.isNoSubstitutionTemplateLiteral(node))) {
      const [, before, style, after] = /^([`}])([^]*?)(`|\$\{)$/.exec(node.getText());
      edits.push([node.getStart(), node.end, before + shortStyle(style) + after]);
    }
    ts.forEachChild(node, (child) => visit(child, styles));
  };
  visit(source, false);
  let written = text;
  for (const [start, end, value] of edits.toReversed()) written = written.slice(0, start) + value + written.slice(end);
  if (edits.length > 0) writeFileSync(file, written);
}
for (const name of compiled.filter((name) => /^(cli|conformance)\//.test(name))) shortenPages(path.join('dist', name));

// Node gets one implementation, in CommonJS, and its ES modules are wrappers of that: all that requires or imports the package, in
// one program or one bundle, holds the same classes. Both doors are of one build, so that they share the codec.
const namesOf = async (file) => Object.keys(await import(path.resolve(file))).filter((name) => name !== 'default');
const frontNames = await namesOf('dist/index.js');
/** The doors of topics and of their brokers: they hold the front door's framing, and are of its build. */
const TOPIC_DOORS = ['index', 'brokers/redis', 'brokers/cluster', 'brokers/nats']
  .map((name) => `topics/${name}`)
  .filter((name) => existsSync(`dist/${name}.js`));
const codecNames = await namesOf('dist/sans-io.js');
const deflateNames = await namesOf('dist/deflate/index.js');
const topicNames = await Promise.all(TOPIC_DOORS.map((door) => namesOf(`dist/${door}.js`)));

/** `require` gives what the default export is, and nothing else: a module with that one export. */
const defaultAlone = {
  name: 'default-alone',
  resolveId: (id) => (id.startsWith('default-alone:') ? id : null),
  load: (id) =>
    id.startsWith('default-alone:')
      ? `export { default } from '${path.resolve(id.slice(id.indexOf(':') + 1))}';`
      : null,
};

/** Where esbuild makes an ES module of the bundle, it lets no `require` through: then Node itself is asked (20.16, 22.3 and later). */
const BUILTIN = `function builtin(load, name) {
	try {
		return load();
	} catch (error) {
		const found = process.getBuiltinModule?.(name);
		if (found === void 0) throw error;
		return found;
	}
}
`;

/** A chunk as it is written: what it takes from another chunk it takes once, since each use would call a getter. */
function finish(code) {
  const taken = new Map();
  const used = code.replaceAll(/\brequire_(\w+)\.([\w$]+)/g, (_, chunk, name) => {
    taken.set(chunk, (taken.get(chunk) ?? new Set()).add(name));
    return `${chunk}_${name}`;
  });
  const once = used.replaceAll(/^const require_(\w+) = (require\(.+\));$/gm, (_, chunk, call) => {
    const names = [...(taken.get(chunk) ?? [])].map((name) => `\t${name}: ${chunk}_${name},\n`);
    return `const {\n${names.join('')}} = ${call};`;
  });
  const guarded = once.replaceAll(/ = require\(("node:[\w/]+")\);$/gm, ' = builtin(() => require($1), $1);');
  return `"use strict";\n${guarded === once ? '' : BUILTIN}${guarded}`;
}

/** Writes files of dist, one for each input and the chunks they share. */
async function writeBundle(input, { target, external, ...options }) {
  const transform = target === undefined ? {} : { target };
  // Numbers have been written in, and the modules' text is not to stand in a file twice.
  const optimization = { inlineConst: false };
  const bundle = await rolldown({
    input,
    external,
    platform: 'node',
    plugins: [defaultAlone],
    transform,
    optimization,
    // Files of dist by name, which are gone when the package is made.
    experimental: { attachDebugInfo: 'none' },
  });
  const { output } = await bundle.generate({
    dir: 'dist',
    exports: 'auto',
    esModule: false,
    strict: false,
    comments: false,
    generatedCode: { symbols: false },
    ...options,
  });
  await bundle.close();
  for (const { fileName, code } of output) {
    writeFileSync(path.join('dist', fileName), options.format === 'cjs' ? finish(code) : code);
  }
}
const cjs = { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs' };
await writeBundle(
  {
    ws: 'default-alone:dist/index.js',
    'sans-io': 'dist/sans-io.js',
    deflate: 'dist/deflate/index.js',
    ...Object.fromEntries(TOPIC_DOORS.map((door) => [door, `dist/${door}.js`])),
  },
  {
    ...cjs,
    codeSplitting: {
      groups: [
        { name: 'front', test: /[\\/]dist[\\/]node[\\/]/, priority: 1 },
        { name: 'codec', test: /[\\/]dist[\\/](?!node|index|topics|deflate)/, priority: 2 },
      ],
    },
  },
);
await writeBundle({ metrics: 'dist/metrics/index.js' }, cjs);
for (const name of readdirSync('dist/topics', { recursive: true }).filter((name) => name.endsWith('.js'))) {
  rmSync(path.join('dist/topics', name));
}
// browserify reads nothing newer.
await writeBundle({ browser: 'default-alone:dist/browser-require.js' }, { ...cjs, target: 'es2018' });
rmSync('dist/browser-require.js');
// ES modules are few files as well, for a page that loads them as they are, and for the size of the package: one for each of these
// groups of rooms, so that a bundler leaves out what a program does not use.
const ROOMS = {
  spec: 'spec|errors|queue',
  // What workerd hands out is registered here before `kernels` chooses.
  'kernel-module': 'kernels[\\\\/](?:module|base64|embedded)\\.js',
  kernels: 'kernels[\\\\/](?!module-workerd)|values',
  codec: 'codec',
  handshake: 'extensions|handshake',
  'deflate-core': 'deflate[\\\\/](?!index|workerd)',
};
const groups = Object.entries({ ...ROOMS, connection: 'connection' }).map(([name, rooms], index) => ({
  name,
  test: new RegExp(`[\\\\/]dist[\\\\/](?:${rooms})\\b`),
  priority: 10 - index,
}));
const esm = { format: 'esm', entryFileNames: '[name].js' };
await writeBundle({ browser: 'dist/browser.js' }, esm);
await writeBundle(
  {
    'sans-io': 'dist/sans-io.js',
    'module-workerd': 'dist/kernels/module-workerd.js',
    deflate: 'dist/deflate/index.js',
    'deflate-workerd': 'dist/deflate/workerd.js',
  },
  {
    ...esm,
    external: /\.wasm$/,
    chunkFileNames: '[name].js',
    codeSplitting: { groups },
    // A page loads these, and the same code is there to read in codec.cjs. Traces name functions and classes as they are.
    minify: {
      compress: false,
      mangle: { toplevel: false, keepNames: { function: true, class: true } },
      codegen: { removeWhitespace: true },
    },
  },
);

/** An ES module that names what a CommonJS file of dist exports. */
function wrapper(cjs, names) {
  return `import door from './${cjs}';\n\nexport const {\n${names.map((name) => `  ${name},\n`).join('')}} = door;\n`;
}
// Tools that watch `ws` change these files of it when they are loaded, so that the doors load what stands in their place.
const watched = ['constants', 'receiver', 'sender', 'websocket', 'websocket-server'].map((name) => `../lib/${name}.js`);
const loads = watched.map((name) => `require('${name}');\n`).join('');
writeFileSync('dist/index.cjs', `'use strict';\n\n${loads}\nmodule.exports = require('./ws.cjs');\n`);
const imports = watched.map((name) => `import '${name}';\n`).join('');
writeFileSync('dist/index.js', `${imports}${wrapper('index.cjs', frontNames)}export default door;\n`);
writeFileSync('dist/sans-io-workerd.js', "import './module-workerd.js';\nexport * from './sans-io.js';\n");
writeFileSync('dist/sans-io-node.js', wrapper('sans-io.cjs', codecNames));
writeFileSync('dist/deflate-node.js', wrapper('deflate.cjs', deflateNames));
writeFileSync('dist/metrics.js', wrapper('metrics.cjs', ['Metrics']));
for (const [index, door] of TOPIC_DOORS.entries()) {
  writeFileSync(`dist/${door}.js`, wrapper(`${path.basename(door)}.cjs`, topicNames[index]));
  writeFileSync(`dist/${door}.d.mts`, `export * from './${path.basename(door)}.cjs';\n`);
}
// The commands are for Node alone, and share the codec of the front door.
for (const name of readdirSync('dist/cli', { recursive: true }).filter((name) => name.endsWith('.js'))) {
  const file = path.join('dist/cli', name);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/'((?:\.\.\/)+)sans-io\.js'/g, "'$1sans-io-node.js'"));
}
await writeBundle(
  {
    'conformance/index': 'dist/conformance/index.js',
    'conformance/worker': 'dist/conformance/worker.js',
    'cli/index': 'dist/cli/index.js',
    'cli/load-worker': 'dist/cli/load/load-worker.js',
  },
  {
    ...esm,
    external: /\/dist\/(index|sans-io-node)\.js$/,
    // A command loads what others do not need only when it is asked for.
    chunkFileNames: ({ name }) => (name === 'suite' ? 'conformance/suite.js' : `cli/${name}.js`),
    codeSplitting: {
      groups: [
        { name: 'suite', test: /[\\/]dist[\\/]conformance[\\/](?!index|worker)/, priority: 3 },
        // Nothing that is loaded later may lie in `index`, which runs until the command has ended: it would be waited for.
        { name: 'shared', test: /[\\/]dist[\\/]cli[\\/](?!index)(?:tool[\\/](?!session))?[\w-]+\.js$/, priority: 2 },
        { name: 'wire', test: /[\\/]cli[\\/](?:proxy|replay|traffic|tool)[\\/]/, priority: 1 },
        { name: 'load', test: /[\\/]load[\\/](client|crew|histogram|load|messages|pacing)\.js$/, priority: 1 },
      ],
    },
    // A quarter of the package, and no library that users step through: it is made short.
    minify: {
      compress: { keepNames: { function: false, class: true } },
      mangle: { toplevel: true, keepNames: { function: false, class: true } },
      codegen: { removeWhitespace: true },
    },
  },
);

/** The declaration files that one leads to, itself included, by their names without extension. */
function declarationsOf(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, name] of readFileSync(`${file}.d.ts`, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)) {
    declarationsOf(path.join(path.dirname(file), name), found);
  }
  return found;
}
// ES modules have the types of CommonJS, by name, as they have its classes.
const IMPORT = /(from |import\()'(\.[^']+)\.js'(?: with \{ 'resolution-mode': 'import' \})?/g;
const front = readFileSync('src/index.d.cts', 'utf8');
const declared = declarationsOf('dist/metrics/index', declarationsOf('dist/sans-io'));
declarationsOf('dist/deflate/index', declared);
for (const door of TOPIC_DOORS) declarationsOf(`dist/${door}`, declared);
for (const [, , name] of front.matchAll(IMPORT)) declarationsOf(path.join('dist', name), declared);
for (const file of declared) {
  const text = readFileSync(`${file}.d.ts`, 'utf8');
  writeFileSync(`${file}.d.cts`, text.replaceAll(IMPORT, "$1'$2.cjs'"));
}
writeFileSync('dist/index.d.cts', front.replaceAll(IMPORT, "$1'$2.cjs'"));
const TYPED_DOORS = ['sans-io', 'metrics/index', 'deflate/index', ...TOPIC_DOORS].map((door) => `dist/${door}.d.cts`);
shakeDeclarations(
  ['dist/index.d.cts', ...TYPED_DOORS],
  [...declared].map((file) => `${file}.d.cts`).filter((file) => !TYPED_DOORS.includes(file)),
);
copyFileSync('src/index.d.mts', 'dist/index.d.mts');
writeFileSync('dist/sans-io.d.mts', "export * from './sans-io.cjs';\n");
writeFileSync('dist/deflate.d.mts', "export * from './deflate/index.cjs';\n");
writeFileSync('dist/metrics.d.mts', "export * from './metrics/index.cjs';\n");
const examiner = [...declarationsOf('dist/conformance/index')].map((file) => path.normalize(`${file}.d.ts`));
for (const name of readdirSync('dist', { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
  const file = path.join('dist', name);
  if (!examiner.includes(file)) rmSync(file);
}
const [examinersDoor, ...others] = examiner;
shakeDeclarations([examinersDoor], others);

for (const name of ['codec.wasm', 'deflate.wasm']) copyFileSync(`build/${name}`, `dist/${name}`);
chmodSync('dist/cli/index.js', 0o755);
