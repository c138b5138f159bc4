// `State` names the stages of a connection between its opening and its end.

/** How far the closing handshake has come (RFC 6455 7.1.2-7.1.4). */
export enum State {
  Open = 'open',
  /** Our Close has been sent, the peer's is awaited. */
  LocalClosing = 'local-closing',
  /** The peer's Close has come, ours waits behind messages still to be written. */
  RemoteClosing = 'remote-closing',
  /** Nothing more is read or sent. */
  Closed = 'closed',
}
