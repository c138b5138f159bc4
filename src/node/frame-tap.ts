// `tapFrames` passes the frames of a batch, one by one, to a function of the application that writes them.
import { frameAt } from '../codec/header.js';
import { settle, type SendCallback } from './send-callback.js';

/** A function of the application that writes one frame, given in parts. */
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
