// The script of a page whose title becomes the name of the kernels, once two connections of the codec have talked.
import { echo } from './codec.mjs';

try {
  document.title = `kernels ${echo()}`;
} catch (error) {
  document.title = `failed: ${String(error)}`;
}
