// The door `wsimd/codec` in workerd: the same exports, with the kernels' module as the platform hands it out.
import './kernels/module-workerd.js';
export * from './sans-io.js';
