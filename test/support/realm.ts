// `Realm` evaluates CommonJS files in a realm of their own, as Jest does: with Node’s modules of the main realm.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

const require = createRequire(import.meta.url);

/** A realm's own globals are its language's classes; it has those of the platform that `globals` gives, and no others. */
export class Realm {
  readonly context: vm.Context;
  readonly #modules = new Map<string, { exports: unknown }>();

  constructor(globals: Record<string, unknown>) {
    this.context = vm.createContext({ ...globals });
  }

  /** What a program in the realm comes to; `require` gives it Node's modules and files. */
  evaluate(program: string): unknown {
    Object.assign(this.context, { require: (id: string) => this.#require(id, path.resolve('.')) });
    return vm.runInContext(program, this.context);
  }

  #require(id: string, directory: string): unknown {
    if (builtinModules.includes(id.replace(/^node:/, ''))) return require(id);
    const file = fileOf(path.resolve(directory, id));
    const known = this.#modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as unknown };
    this.#modules.set(file, module);
    const body = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`;
    const run = vm.runInContext(body, this.context, { filename: file }) as (...args: unknown[]) => void;
    run(module.exports, (name: string) => this.#require(name, path.dirname(file)), module, file, path.dirname(file));
    return module.exports;
  }
}

function fileOf(name: string): string {
  const found = [name, `${name}.js`, path.join(name, 'index.js')].find(
    (file) => existsSync(file) && statSync(file).isFile(),
  );
  if (found === undefined) throw new Error(`Cannot find module '${name}'`);
  return found;
}
