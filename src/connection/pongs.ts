// `Pongs` counts the automatic pongs that wait unwritten, and keeps only the latest ping once there are many.
import { MAX_PONGS } from '../spec/limits.js';

/** Created with the first ping of a connection. */
export class Pongs {
  private waiting = 0;
  /** The latest ping past the limit, unanswered. */
  latest: Uint8Array | undefined;

  /**
   * Whether to answer a ping now; otherwise its payload replaces the one kept before.
   * @throws RangeError where memory is refused
   */
  admit(data: Uint8Array): boolean {
    // Deviation from ws (D4): past the limit the latest ping alone is answered; ws terminates the connection.
    if (this.waiting < MAX_PONGS) {
      this.waiting++;
      return true;
    }
    // RFC 6455 5.5.3: an endpoint may answer only the most recent ping. A copy pins no other message.
    this.latest = new Uint8Array(data);
    return false;
  }

  /** Everything that waited has been written: returns the payload of a ping that is still unanswered. */
  takeLatest(): Uint8Array | undefined {
    const { latest } = this;
    this.waiting = 0;
    this.latest = undefined;
    return latest;
  }
}
