// A Worker that answers each request with the name of the kernels, once two connections of the codec have talked.
import { echo } from './codec.mjs';

export default { fetch: () => new Response(`kernels ${echo()}`) };
