// The kernels' module as workerd hands it out: compiled when the Worker was deployed, since a Worker may not compile one.
import module from '../codec.wasm';

/** The kernels' module. */
export function kernelModule(): WebAssembly.Module {
  return module;
}
