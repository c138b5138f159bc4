// worker.js and both modules of this directory run in workerd, at an old compatibility date and a newer one; prints the answers.
import { Miniflare } from 'miniflare';

for (const compatibilityDate of ['2025-01-01', '2026-01-01']) {
  const miniflare = new Miniflare({
    compatibilityDate,
    modules: [
      { type: 'ESModule', path: 'worker.js' },
      { type: 'CompiledWasm', path: 'codec.wasm' },
      { type: 'CompiledWasm', path: 'deflate.wasm' },
    ],
  });
  const response = await miniflare.dispatchFetch('http://localhost/');
  console.log(await response.text());
  await miniflare.dispose();
}
