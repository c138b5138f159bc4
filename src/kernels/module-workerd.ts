// This module registers the kernels' module that workerd compiled on deployment, since a Worker may not compile
// one.
import module from '../codec.wasm';
import { deployKernelModule } from './module.js';

deployKernelModule(module);
