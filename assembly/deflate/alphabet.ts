// `lengthCode` and `distanceCode` tell the symbols of matches, and `lengthExtra` and `distanceExtra` the bits behind them.

// RFC 1951 3.2.5: four codes for each number of extra bits, but for the first eight and the last.
// @ts-ignore: decorator
@inline
export function lengthCode(length: u32): u32 {
  const value = length - 3;
  if (value < 8) return 257 + value;
  if (length == 258) return 285;
  const extra = 29 - clz(value);
  return 257 + (extra << 2) + (value >> extra);
}
// @ts-ignore: decorator
@inline
export function lengthExtra(code: u32): u32 {
  return code < 265 || code == 285 ? 0 : (code - 261) >> 2;
}
// Two codes for each number of extra bits.
// @ts-ignore: decorator
@inline
export function distanceCode(distance: u32): u32 {
  const value = distance - 1;
  if (value < 4) return value;
  const extra = 30 - clz(value);
  return (extra << 1) + (value >> extra);
}
// @ts-ignore: decorator
@inline
export function distanceExtra(code: u32): u32 {
  return code < 4 ? 0 : (code >> 1) - 1;
}
