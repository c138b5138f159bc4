// One row of the vector tables: octets on the wire, and what they mean to the receiver.
import {} from '../support/events.js';
