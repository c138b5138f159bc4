// The naive twins of test/support/naive, which are TypeScript without imports -> modules that a bench can call.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** The module of one file of test/support/naive. */
export async function importNaive(name) {
  const source = readFileSync(new URL(`../../test/support/naive/${name}.ts`, import.meta.url), 'utf8');
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(source, { compilerOptions });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}
