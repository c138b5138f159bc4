// `RECORD_WORDS` and the constants beside it describe the frame records, the decoder state and the scan's configuration.

// A frame record: four 32-bit words, one for each frame or, where a frame straddles chunks, for each piece of one.
//
//   word 0          word 1            word 2           word 3
//  +---------------+-----------------+----------------+---------------------------------+
//  | kind          | offset          | length         | extra                           |
//  | flags, opcode | address of the  | bytes of this  | Start: the frame's whole length |
//  |               | piece's payload | piece          | (2^31 - 1 if it is longer)      |
//  +---------------+-----------------+----------------+---------------------------------+
//
// A violation is a record too, always the last: kind = RECORD_VIOLATION, length = the number that was wrong (an opcode,
// a length), extra = the Violation.
export const RECORD_WORDS = 4;
export const RECORD_BYTES = 16;
export const RECORD_KIND = 0;
export const RECORD_OFFSET = 1;
export const RECORD_LENGTH = 2;
export const RECORD_EXTRA = 3;

// The kind word. Its low four bits are the frame's opcode; every record has RECORD_VALID set, so that 0 means "no
// record".
export const RECORD_OPCODE = 0x0f;
/** The piece begins its frame: the header has just been read. */
export const RECORD_START = 0x10;
/** The piece ends its frame. */
export const RECORD_END = 0x20;
/** The frame has FIN set. */
export const RECORD_FIN = 0x40;
/** The piece ends its message: RECORD_END and RECORD_FIN. */
export const RECORD_LAST = 0x60;
/** The piece is a message by itself or, with the opcode of a continuation, ends one by a whole frame: all three. */
export const RECORD_WHOLE = 0x70;
/** The frame's RSV bits, in the places they have on the wire, shifted left by RECORD_RSV_SHIFT: 0x700. */
export const RECORD_RSV = 0x700;
export const RECORD_RSV_SHIFT = 4;
/** The frame belongs to a text message (also set on its continuation frames). */
export const RECORD_TEXT = 0x800;
/** Text whose bytes, in this piece, are all below 0x80. */
export const RECORD_ASCII = 0x1000;
/** A whole text message that is not ASCII and that the kernel has left to a faster native validator. */
export const RECORD_UNCHECKED = 0x2000;
/** The frame belongs to a compressed message: RSV1 was set on its first frame (also set on its continuation frames). */
export const RECORD_COMPRESSED = 0x4000;
export const RECORD_VALID = 0x8000;
export const RECORD_VIOLATION = 0x18000;

// The decoder state: 64 bytes that the decoder keeps for its connection from one chunk to the next, and copies to the
// kernels' state address before a scan. All zeros is the state of a new connection.
//
//   0        4        8                 16               32                40       44       48
//  +--------+--------+-----------------+-----------------+-----------------+--------+--------+---- 64
//  | phase  | held   | remaining (f64) | header bytes    | message bytes   | key    | kind   | utf8, message kind,
//  |        |        |                 | held so far     | so far (f64)    |        |        | record count
//  +--------+--------+-----------------+-----------------+-----------------+--------+--------+----
export const STATE_BYTES = 64;
export const STATE_WORDS = 16;
/** 0: a header is awaited; 1: inside a frame's payload; 2: a violation was reported, nothing more is read. */
export const STATE_PHASE = 0;
/** How many bytes of an unfinished header the state holds. */
export const STATE_HELD = 4;
/** f64: bytes of the current frame's payload still to come. */
export const STATE_REMAINING = 8;
/** The held bytes themselves, at most 13. */
export const STATE_HEADER = 16;
/** f64: bytes that the headers of the current message have announced so far. */
export const STATE_MESSAGE_LENGTH = 32;
/** The masking key, turned so that its first byte meets the next payload byte; 0 when the frame is not masked. */
export const STATE_KEY = 40;
/** The kind word of the current frame, without START and END. */
export const STATE_KIND = 44;
/** The resumable UTF-8 state of the current text message; 0 between characters. */
export const STATE_UTF8 = 48;
/** RECORD_TEXT and RECORD_COMPRESSED of the unfinished message, with its opcode; 0 between messages. */
export const STATE_MESSAGE = 52;
/** Result: how many records the scan has written. */
export const STATE_RECORDS = 56;

export const PHASE_HEADER = 0;
export const PHASE_PAYLOAD = 1;
export const PHASE_STOPPED = 2;

// The scan's configuration word.
/** The receiver is a server, so that frames must be masked; otherwise they must not be. */
export const SCAN_SERVER = 0x1;
/** Text is not validated. */
export const SCAN_SKIP_UTF8 = 0x2;
/** Whole non-ASCII messages of UNCHECKED_FROM bytes or more are left to the caller's own validator. */
export const SCAN_LEAVE_LONG_TEXT = 0x4;
/** RSV bits that an extension has claimed, in the places they have on the wire: 0x70. RSV1 is then RFC 7692's. */
export const SCAN_RSV = 0x70;

/** From this many bytes on, a native validator is faster than the kernel on text that is not ASCII. */
export const UNCHECKED_FROM = 256;
