// `VIOLATIONS` is the one table of protocol violations: names, texts, Close codes, and the sections of the rules.
import { CloseCode } from '../spec/close-code.js';
import { Violation } from '../spec/violation.js';
import { refuse } from './usage-error.js';

export interface ViolationRow {
  /** The `code` of the error, the same string that `ws` uses where it has one. */
  readonly code: string;
  readonly closeCode: CloseCode;
  /** Whether the error is a `RangeError`, as in `ws`; else it is an `Error`. */
  readonly range: boolean;
  readonly section: string;
  /** The error's text; `%` stands for the invalid number. */
  readonly text: string;
}

const FRAME = 'Invalid WebSocket frame: ';

export const VIOLATIONS: Readonly<Record<Exclude<Violation, Violation.None>, ViolationRow>> = {
  [Violation.UnexpectedRsv23]: {
    code: 'WS_ERR_UNEXPECTED_RSV_2_3',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.2',
    text: `${FRAME}RSV2 and RSV3 must be clear`,
  },
  [Violation.UnexpectedRsv1]: {
    code: 'WS_ERR_UNEXPECTED_RSV_1',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.2',
    text: `${FRAME}RSV1 must be clear`,
  },
  [Violation.InvalidOpcode]: {
    code: 'WS_ERR_INVALID_OPCODE',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.2',
    text: `${FRAME}invalid opcode %`,
  },
  [Violation.ExpectedFin]: {
    code: 'WS_ERR_EXPECTED_FIN',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.5',
    text: `${FRAME}FIN must be set`,
  },
  [Violation.InvalidControlLength]: {
    code: 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.5',
    text: `${FRAME}invalid payload length %`,
  },
  [Violation.ExpectedMask]: {
    code: 'WS_ERR_EXPECTED_MASK',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.1',
    text: `${FRAME}MASK must be set`,
  },
  [Violation.UnexpectedMask]: {
    code: 'WS_ERR_UNEXPECTED_MASK',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.1',
    text: `${FRAME}MASK must be clear`,
  },
  // Deviation from ws (D6): a length that is not written in the fewest bytes fails the connection; ws accepts it.
  [Violation.NonMinimalLength]: {
    code: 'WS_ERR_NON_MINIMAL_LENGTH',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 5.2',
    text: `${FRAME}payload length % is not in the fewest bytes, as older paho-mqtt and OvenMediaEngine send it`,
  },
  [Violation.LengthTooLarge]: {
    code: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    closeCode: CloseCode.MessageTooBig,
    range: true,
    section: 'RFC 6455 5.2',
    text: 'Unsupported WebSocket frame: payload length > 2^53 - 1',
  },
  [Violation.MessageTooBig]: {
    code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
    closeCode: CloseCode.MessageTooBig,
    range: true,
    section: 'RFC 6455 10.4',
    text: 'Max payload size exceeded',
  },
  [Violation.InvalidUtf8]: {
    code: 'WS_ERR_INVALID_UTF8',
    closeCode: CloseCode.InvalidPayload,
    range: false,
    section: 'RFC 6455 8.1',
    text: `${FRAME}invalid UTF-8 sequence`,
  },
  [Violation.InvalidCloseCode]: {
    code: 'WS_ERR_INVALID_CLOSE_CODE',
    closeCode: CloseCode.ProtocolError,
    range: true,
    section: 'RFC 6455 7.4',
    text: `${FRAME}invalid status code %`,
  },
  [Violation.TooManyFragments]: {
    code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    closeCode: CloseCode.PolicyViolation,
    range: true,
    section: 'RFC 6455 10.4',
    text: 'Too many message fragments',
  },
  [Violation.TooManyChunks]: {
    code: 'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    closeCode: CloseCode.PolicyViolation,
    range: true,
    section: 'RFC 6455 10.4',
    text: 'Too many buffered chunks',
  },
  [Violation.InvalidDeflate]: {
    code: 'Z_DATA_ERROR',
    closeCode: CloseCode.InvalidPayload,
    range: false,
    section: 'RFC 7692 7.2.2',
    text: 'Invalid compressed message',
  },
  [Violation.Internal]: {
    code: 'WS_ERR_INTERNAL',
    closeCode: CloseCode.InternalError,
    range: false,
    section: 'RFC 6455 7.4.1',
    text: 'Internal error',
  },
} satisfies Record<Exclude<Violation, Violation.None>, ViolationRow>;

/** A peer's violation as an error: `code` is the table's, and the Close frame carries `closeCode`. */
export interface WebSocketError extends Error {
  code: string;
  closeCode: CloseCode;
}

/** Makes the error of a violation; `detail` is the invalid number, where the text names one. */
export function violationError(violation: Exclude<Violation, Violation.None>, detail = 0): WebSocketError {
  if (!Object.hasOwn(VIOLATIONS, violation)) refuse('A violation is one of Violation, other than None', violation);
  const row = VIOLATIONS[violation];
  const text = row.text.replace('%', String(detail));
  const error = row.range ? new RangeError(text) : new Error(text);
  return Object.assign(error, { code: row.code, closeCode: row.closeCode });
}

/** Makes the error of a failure that is not the peer's fault (RFC 6455 7.4.1, code 1011). */
export function internalError(cause: unknown): WebSocketError {
  return Object.assign(violationError(Violation.Internal), { cause });
}
