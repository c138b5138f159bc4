// One row of the vector tables: bytes on the wire, and what they mean to the receiver.
import { type ReceiverOptions, type WireEvent } from '../support/events.js';

export interface Vector {
  /** A sentence; unique over all tables. */
  name: string;
  /** Where the rule stands: a section of RFC 6455 unless it names another. */
  section: string;
  /** The receiver's role: a server's vectors are masked. */
  role: 'client' | 'server';
  options?: Omit<ReceiverOptions, 'role'>;
  /** Hex; blanks are for reading. */
  wire: string;
  events: WireEvent[];
}
