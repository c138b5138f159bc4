import { afterEach, describe, expect, test } from 'vitest';
import { handlesBehave } from '../../../src/node/deflate/self-test.js';
import { ZlibHandle } from '../../../src/node/deflate/zlib-handle.js';
// oxlint-disable-next-line typescript/unbound-method -- each is called with its handle
const { write, reset } = ZlibHandle.prototype;
afterEach(() => {
    ZlibHandle.prototype.write = write;
    ZlibHandle.prototype.reset = reset;
});
describe('the self-test', () => {
    test('passes on this Node', () => {
        expect(handlesBehave()).toBe(true);
    });
    test('fails where a reset leaves the window', () => {
        ZlibHandle.prototype.reset = () => { };
        expect(handlesBehave()).toBe(false);
    });
    test('fails where a write loses the window', () => {
        ZlibHandle.prototype.write = function (...args) {
            reset.call(this);
            return write.apply(this, args);
        };
        expect(handlesBehave()).toBe(false);
    });
    test('fails where output goes beyond its room', () => {
        ZlibHandle.prototype.write = function (flush, input, at, end, output, outputAt, room) {
            const error = write.call(this, flush, input, at, end, output, outputAt, room);
            output[outputAt + room] = 0;
            return error;
        };
        expect(handlesBehave()).toBe(false);
    });
    test('fails where an error is not reported', () => {
        ZlibHandle.prototype.write = function (...args) {
            write.apply(this, args);
            return undefined;
        };
        expect(handlesBehave()).toBe(false);
    });
    test('fails where there is no such handle', () => {
        ZlibHandle.prototype.write = () => {
            throw new TypeError('writeSync is not a function');
        };
        expect(handlesBehave()).toBe(false);
    });
});
