// The parts of `ws` that its types leave out, typed as far as the differential tests use them.
import { createRequire } from 'node:module';
export const wsInternals = createRequire(import.meta.url)('ws');
/** What a function returns, or the message of what it throws. */
export function outcome(attempt) {
    try {
        return { value: attempt() };
    }
    catch (error) {
        return { fault: error.message };
    }
}
