/** `runsLong` says whether the long forms of tests run, as they do for `npm run test:long`. */
export const runsLong: boolean = process.env['WSIMD_LONG'] === '1';
