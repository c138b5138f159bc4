// `CloseCode` lists the status codes of a Close frame, from RFC 6455 7.4 and the IANA registry that it founded.

/** Why a connection closes (RFC 6455 7.4.1; 1012 to 1014 were registered later). */
export enum CloseCode {
  Normal = 1000,
  GoingAway = 1001,
  ProtocolError = 1002,
  UnsupportedData = 1003,
  /** Never on the wire: the Close frame carried no code (RFC 6455 7.4.1). */
  NoStatus = 1005,
  /** Never on the wire: the connection ended without a Close frame (RFC 6455 7.4.1). */
  Abnormal = 1006,
  InvalidPayload = 1007,
  PolicyViolation = 1008,
  MessageTooBig = 1009,
  MandatoryExtension = 1010,
  InternalError = 1011,
  ServiceRestart = 1012,
  TryAgainLater = 1013,
  BadGateway = 1014,
  /** Never on the wire: the TLS handshake failed (RFC 6455 7.4.1). */
  TlsHandshake = 1015,
}

/** Codes that `CloseCode` names and no frame carries: they stand for an end without a Close frame, or without a code in it. */
export const NEVER_SENT: readonly number[] = [CloseCode.NoStatus, CloseCode.Abnormal, CloseCode.TlsHandshake];

/** Codes from here to 4999 belong to libraries, frameworks and applications (RFC 6455 7.4.2). */
export const FIRST_REGISTERED_CODE = 3000;
export const LAST_PRIVATE_CODE = 4999;
