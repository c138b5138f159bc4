// Refuses memories and instances to the library as a machine without address space does.
const refuse = (): never => {
  throw new RangeError('WebAssembly.Memory(): could not allocate memory');
};
Object.assign(WebAssembly, { Memory: refuse, Instance: refuse });
