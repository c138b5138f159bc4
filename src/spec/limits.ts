// `DEFAULT_MAX_PAYLOAD` and its neighbours are the defaults of options, each written once: lengths in bytes, times in milliseconds; no kernel reads them.

/** The longest message (RFC 6455 10.4). */
export const DEFAULT_MAX_PAYLOAD: number = 100 * 1024 * 1024;
/** The length of a full batch of output: it is pulled, joined, lent from and written at this length. */
export const FULL_BATCH: number = 64 * 1024;
/** How long the peer has to end the connection once the closing handshake has begun. */
export const DEFAULT_CLOSE_TIMEOUT = 30_000;
/** How long a whole opening handshake may take on a server's own HTTP server. */
export const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
/** The shortest message that is compressed, where the sender keeps no window (RFC 7692 7.1.1). */
export const DEFAULT_THRESHOLD = 1024;
/** How long a peer may be silent before the heartbeat pings it, and then before it is given up. */
export const DEFAULT_HEARTBEAT_INTERVAL = 20_000;
export const DEFAULT_HEARTBEAT_TIMEOUT = 20_000;
