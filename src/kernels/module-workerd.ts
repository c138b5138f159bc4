// This module makes the kernels' module the one that workerd compiled on deployment, since a Worker may not compile
// one.
import module from '../codec.wasm';
import { deployKernelModule } from './module.js';

deployKernelModule(module);
