// This module is the entry `wsimd/codec/deflate` in workerd, where a Worker may not compile a module itself.
import module from '../deflate.wasm';
import { deployDeflateModule } from './module.js';

deployDeflateModule(module);
export * from './index.js';
