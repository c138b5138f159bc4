// `mayBeSent` says which codes may stand in a Close frame: all tests ask it, and it knows nothing of `src/spec`.

/** RFC 6455 7.4.1 and the IANA registry: the codes below 3000 that may stand in a frame. 1005, 1006 and 1015 never do. */
export const SENT_CODES: readonly number[] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];

/** 7.4.2: 3000 to 4999 belong to libraries, frameworks and applications. */
export function mayBeSent(code: number): boolean {
  return SENT_CODES.includes(code) || (code >= 3000 && code <= 4999);
}

export const GOOD_CODES: readonly number[] = [...SENT_CODES, 3000, 3999, 4000, 4999];

/** Codes beside those that may be sent, and at the ends of 16 bits. */
export const BAD_CODES: readonly number[] = [
  0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 1999, 2000, 2999, 5000, 32_768, 65_535,
].filter((code) => !mayBeSent(code));
