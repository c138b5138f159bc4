// Our echo server, which does nothing else for `blocked` ms each `every` ms: what a load sees then is known beforehand.
import { settings } from './control.mjs';
import './wsimd.mjs';

const { every, blocked } = settings;
const never = new Int32Array(new SharedArrayBuffer(4));
setInterval(() => Atomics.wait(never, 0, 0, blocked), every);
