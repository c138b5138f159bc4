// All vectors, from all tables.
import { CONTROL } from './control.js';
import { FRAGMENTS } from './fragments.js';
import { FRAMES } from './frames.js';
import { LIMITS } from './limits.js';
import { MASKING } from './masking.js';
import { RESERVED_BITS } from './reserved-bits.js';
import { UTF8 } from './utf8.js';
import {} from './vector.js';
export {} from './vector.js';
export const VECTORS = [
    ...FRAMES,
    ...MASKING,
    ...FRAGMENTS,
    ...CONTROL,
    ...RESERVED_BITS,
    ...LIMITS,
    ...UTF8,
];
