// `tapFrames` has the frames of a batch written one by one by a function of the application's.
import { frameAt } from '../codec/header.js';
import { settle, type SendCallback } from './send-callback.js';

/** Has one frame written, in parts, by a function of the application's. */
export type FrameTap = (list: readonly Uint8Array[], callback: SendCallback | undefined) => void;

export function tapFrames(tap: FrameTap, frames: Uint8Array, callbacks: readonly SendCallback[] | undefined): void {
  for (let at = 0; at < frames.length;) {
    const { payload, end } = frameAt(frames, at);
    const isLast = end === frames.length;
    const list =
      payload === end ? [frames.subarray(at, end)] : [frames.subarray(at, payload), frames.subarray(payload, end)];
    tap(list, isLast && callbacks !== undefined ? (error) => settle(callbacks, error) : undefined);
    at = end;
  }
}
