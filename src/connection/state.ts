// `State` names the stages of a connection between its opening and its end.

/** The progress of the closing handshake (RFC 6455 7.1.2-7.1.4). */
export enum State {
  Open = 'open',
  /** Our Close has been sent; the peer's has not come yet. */
  LocalClosing = 'local-closing',
  /** The peer's Close has come; ours waits behind unwritten messages. */
  RemoteClosing = 'remote-closing',
  /** Nothing more is read or sent. */
  Closed = 'closed',
}
