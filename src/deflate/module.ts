// `deflateModule` returns the module that inflates and deflates: the one that the platform deployed, else the copy in the
// sources.
import { decodeBase64 } from '../kernels/base64.js';
import { DEFLATE_MODULE_BASE64 } from './embedded.js';

let deployed: WebAssembly.Module | undefined;

/** Takes a module that the platform compiled beforehand; called before the first use. */
export function deployDeflateModule(module: WebAssembly.Module): void {
  deployed = module;
}

/**
 * The module.
 * @throws CompileError where a policy refuses to compile (CSP), or where there is no SIMD
 */
export function deflateModule(): WebAssembly.Module {
  return deployed ?? new WebAssembly.Module(decodeBase64(DEFLATE_MODULE_BASE64));
}
