// Prints how the codec's own deflate works in this runtime, by its ES modules and by CommonJS.
import { createRequire } from 'node:module';
import { createInflater } from 'wsimd/codec/deflate';
import { echoDeflated } from './deflate.mjs';

const same = createRequire(import.meta.url)('wsimd/codec/deflate').createInflater === createInflater;
console.log(`same ${same}, deflate ${await echoDeflated()}`);
