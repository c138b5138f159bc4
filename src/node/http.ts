// Node's http module as require gives it. An import of it evaluates all of its exports, which on Node 22 loads the parser of
// fetch; that is compiled at once, and where there is no WebAssembly (--jitless) its failure ends the process.
import { createRequire } from 'node:module';

// Any absolute path does for a module of Node's own.
const http = createRequire(process.execPath)('node:http') as typeof import('node:http');
export default http;
