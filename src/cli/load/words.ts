// `inMs` and the other functions of this file format durations, rates, sizes and errors for people.
import { explainClose } from '../tool/close-words.js';

/** Formats a duration, with about three significant digits. */
export function inMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toPrecision(ms >= 100_000 ? 4 : 3)} s`;
  if (ms >= 1) return `${digits(ms)} ms`;
  return `${digits(ms * 1000)} µs`;
}

function digits(number: number): string {
  return number >= 99.95 ? String(Math.round(number)) : number.toPrecision(number === 0 ? 1 : 3);
}

/** Formats the length of a period. */
export function inSeconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(2))} s`;
}

/** Formats a round duration, as on an axis. */
export function inRoundMs(ms: number): string {
  if (ms === 0) return '0';
  const [number, unit] = ms >= 10_000 ? [ms / 1000, 's'] : ms >= 1 ? [ms, 'ms'] : [ms * 1000, 'µs'];
  return `${Number(number.toPrecision(3))} ${unit}`;
}

/** Formats a rate or a count, with commas. */
export function perSecond(rate: number): string {
  return (rate >= 100 ? Math.round(rate) : Number(rate.toPrecision(3))).toLocaleString('en-US');
}

/** Formats bytes in the largest unit that leaves a number from 1. */
export function inBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [number, unit] = [bytes, 0];
  for (; number >= 1000 && unit < units.length - 1; unit++) number /= 1000;
  return `${unit === 0 ? Math.round(number) : number.toPrecision(3)} ${units[unit]}`;
}

/** Formats the numbers of errors by kind; close codes are explained. */
export function inKinds(errors: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(errors).map(([kind, count]) => {
    const words = kind.replace(/^closed with (\d+)$/, (same, code) => `${same} (${explainClose(Number(code))})`);
    return `${perSecond(count)} x ${words}`;
  });
  return kinds.join(', ');
}

/** Formats a share as a percentage. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 2 : 1)} %`;
}
