// Puts beside the compiled sources what tsc does not copy: the kernel module as a file, and the mark that makes the CLI executable.
import { chmodSync, copyFileSync } from 'node:fs';

copyFileSync('build/codec.wasm', 'dist/codec.wasm');
chmodSync('dist/cli/index.js', 0o755);
