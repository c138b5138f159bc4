// Stands where workerd puts codec.wasm: an object to be handed on, which nobody may compile.
const deployed: object = Object.freeze({ deployed: 'codec.wasm' });
export default deployed;
