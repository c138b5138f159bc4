// The kernels' module, compiled from the copy that is embedded in the sources. The import `#wasm` leads here, except where a
// platform hands out compiled modules: see module-workerd.ts.
import { KERNEL_MODULE_BASE64 } from './embedded.js';

/**
 * The kernels' module.
 * @throws CompileError where a policy refuses to compile (CSP), or where there is no SIMD
 */
export function kernelModule(): WebAssembly.Module {
  return new WebAssembly.Module(decodeBase64(KERNEL_MODULE_BASE64));
}

function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const octets = new Uint8Array(text.length);
  for (let i = 0; i < octets.length; i++) octets[i] = text.charCodeAt(i);
  return octets;
}
