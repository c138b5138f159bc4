// `kernelModule` gives the kernels' module: the one that the platform deployed, else compiled from the copy in the
// sources.
import { KERNEL_MODULE_BASE64 } from './embedded.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

let deployed: WebAssembly.Module | undefined;

/**
 * Takes a module that the platform compiled beforehand, for `kernelModule` to give; called before the kernels are
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

/** The bytes of RFC 4648 base64. Not by `atob`, which a realm may lack. */
function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  const digits = base64.replace(/=+$/, '');
  const bytes = new Uint8Array((digits.length * 3) >> 2);
  let bits = 0;
  for (let i = 0, at = 0; i < digits.length; i++) {
    bits = (bits << 6) | DIGITS.indexOf(digits[i]);
    // Each digit but the first of four completes a byte.
    if (i % 4 !== 0) bytes[at++] = bits >> (6 - 2 * (i % 4));
  }
  return bytes;
}
