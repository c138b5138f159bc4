// Takes WebAssembly away before the library loads, so that the whole suite also runs on the JavaScript twin.
Reflect.deleteProperty(globalThis, 'WebAssembly');
export {};
