// `DEFAULT_MAX_PAYLOAD` and the constants beside it are all limits and defaults, each written once; no kernel reads them.

// Lengths are in bytes and times in milliseconds. Where 0 stands, there is no limit. Prose names these numbers too:
// `test/defaults.test.ts` finds each place in README.md, SECURITY.md, docs/ and the docstrings, and says which to mend.

// ---- options of a connection

/** The longest message, after decompression (RFC 6455 10.4). */
export const DEFAULT_MAX_PAYLOAD: number = 100 * 1024 * 1024;
/** The most frames of a message. Deviation from ws (D5): `ws` limits both this and the next. */
export const DEFAULT_MAX_FRAGMENTS = 0;
/** The most chunks that one frame may be spread over. */
export const DEFAULT_MAX_BUFFERED_CHUNKS = 0;
/** The longest payload of one frame, in the codec. */
export const DEFAULT_MAX_FRAME_PAYLOAD = 0;
/** The limit on waiting bytes: a send that finds more ends its connection. Deviation from ws (D1): `ws` has none. */
export const DEFAULT_MAX_BACKPRESSURE = 0;
/** How long the peer may take to end the connection once the closing handshake has begun. */
export const DEFAULT_CLOSE_TIMEOUT = 30_000;
/** How long a peer may be silent before the heartbeat pings it, and after that before its connection is ended. */
export const DEFAULT_HEARTBEAT_INTERVAL = 20_000;
export const DEFAULT_HEARTBEAT_TIMEOUT = 20_000;

// ---- options of a server and of a client

/** How long a whole opening handshake may take on a server's own HTTP server. */
export const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;
/** How many connections a server holds. */
export const DEFAULT_MAX_CONNECTIONS = 0;
/** The time over which `drain` spreads its closes, and how long connections may take to end after the last one. */
export const DEFAULT_DRAIN_WINDOW = 10_000;
export const DEFAULT_DRAIN_TIMEOUT = 30_000;
/** How long each opening request of a client may take. */
export const DEFAULT_REQUEST_TIMEOUT = 0;
/** How many redirects a client follows. */
export const DEFAULT_MAX_REDIRECTS = 10;

// ---- options of compression

/** The shortest message that is compressed, where the sender keeps no window (RFC 7692 7.1.1); any in the codec. */
export const DEFAULT_THRESHOLD = 1024;
export const DEFAULT_CODEC_THRESHOLD = 0;
/** The number of messages of more than one step that zlib works on at the same time: as in `ws`. */
export const DEFAULT_CONCURRENCY_LIMIT = 10;
/** The effort of `wsimd/codec/deflate`, from 1 to 9. */
export const DEFAULT_LEVEL = 6;

// ---- options of topics

/** How many messages of a topic are kept, and for how long. */
export const DEFAULT_HISTORY_MESSAGES = 1000;
export const DEFAULT_HISTORY_AGE = 300_000;
/** The most that may wait for a subscriber before its policy decides. */
export const DEFAULT_SLOW_LIMIT: number = 1024 * 1024;
/** How long a broker may take to accept a message, and how much may wait for it. */
export const DEFAULT_PUBLISH_TIMEOUT = 5000;
export const DEFAULT_MAX_WAITING: number = 8 * 1024 * 1024;
/** The interval at which a message to oneself checks that the broker relays. */
export const DEFAULT_CHECK_INTERVAL = 5000;

// ---- limits that no option changes

/** The longest name of a topic, as UTF-8. */
export const MAX_TOPIC_LENGTH = 256;
/** The longest head of a request or response, and the most header fields that are read. */
export const MAX_HEAD_LENGTH: number = 16 * 1024;
export const MAX_FIELDS = 2000;
/** How many extensions, and how many subprotocols, one header may name. */
export const MAX_OFFERS = 16;
export const MAX_SUBPROTOCOLS = 64;
/** The most automatic pongs that may wait; beyond that, only the answer to the latest ping is kept (RFC 6455 5.5.3). */
export const MAX_PONGS = 60;
/** The number of messages waiting for `for await` at which a WebSocket is paused. */
export const MAX_UNREAD_MESSAGES = 16;
/** Output longer than this is inflated by at most `MAX_LARGE_INFLATIONS` connections of a thread at a time. */
export const LARGE_OUTPUT: number = 1024 * 1024;
export const MAX_LARGE_INFLATIONS = 2;
/** The most bytes of messages to many that are kept within a tick to leave each connection in one piece. */
export const MOST_TO_MANY: number = 32 * 1024;
/** The length of a full batch of output: sources are asked, chunks joined and batches written up to this length. */
export const FULL_BATCH: number = 64 * 1024;
