// The script of a page whose title becomes the name of the kernels, once two connections of the codec have talked, and the state of
// the codec's deflate.
import { echo } from './codec.mjs';
import { echoDeflated } from './deflate.mjs';

try {
  document.title = `kernels ${echo()}, deflate ${await echoDeflated()}`;
} catch (error) {
  document.title = `failed: ${String(error)}`;
}
