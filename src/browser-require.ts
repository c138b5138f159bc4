// `stub` is the front door for `require` in browsers and Workers: as with `ws`, a function that says so when it is called.
import * as door from './browser.js';

/** @throws Error always */
function stub(): never {
  throw new Error('wsimd does not work in the browser. Browser clients must use the native WebSocket object');
}

const { default: _, ...parts } = door;
Object.assign(stub, parts);
export default stub;
