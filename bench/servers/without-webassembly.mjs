// Takes WebAssembly away before the library loads, so that it chooses its JavaScript twin.
Reflect.deleteProperty(globalThis, 'WebAssembly');
