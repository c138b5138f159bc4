// A Worker that answers each request with the name of the kernels, once two connections of the codec have talked, and with the
// state of the codec's deflate.
import { echo } from './codec.mjs';
import { echoDeflated } from './deflate.mjs';

export default { fetch: async () => new Response(`kernels ${echo()}, deflate ${await echoDeflated()}`) };
