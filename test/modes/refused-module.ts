// Refuses to compile, as a Content-Security-Policy without 'wasm-unsafe-eval' does.
Object.assign(WebAssembly, {
  Module: function Module(): never {
    throw new WebAssembly.CompileError('WebAssembly.Module(): Wasm code generation disallowed by embedder');
  },
});
