// What the transcoding kernel must equal: valid UTF-8 becomes UTF-16 code units, by the bit pictures of RFC 3629 section 3.
/** The code units of `octets`, which must be valid UTF-8; nothing is dropped, not even a byte order mark. */
export function naiveTranscode(octets) {
    const units = [];
    for (let at = 0; at < octets.length;) {
        const first = octets[at];
        const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        let point = length === 1 ? first : first & (0x7f >> length);
        for (const tail of octets.subarray(at + 1, at + length)) {
            point = (point << 6) | (tail & 0x3f);
        }
        if (point < 0x10000) {
            units.push(point);
        }
        else {
            units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
        }
        at += length;
    }
    return units;
}
