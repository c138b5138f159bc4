// `kernelModule` returns the kernels' module: the one that the platform deployed, else compiled from the copy in the
// sources.
import { decodeBase64 } from './base64.js';
import { KERNEL_MODULE_BASE64 } from './embedded.js';

let deployed: WebAssembly.Module | undefined;

/**
 * Registers a module that the platform compiled beforehand, for `kernelModule`; called before the kernels are
 * chosen.
 */
export function deployKernelModule(module: WebAssembly.Module): void {
  deployed = module;
}

/**
 * The kernels' module.
 * @throws CompileError where a policy refuses to compile (CSP), or where there is no SIMD
 */
export function kernelModule(): WebAssembly.Module {
  return deployed ?? new WebAssembly.Module(decodeBase64(KERNEL_MODULE_BASE64));
}
