// `fieldLine` writes a header field as one line, and refuses characters that would break it (RFC 7230 3.2).
import { checkList, checkText } from '../errors/usage-error.js';
import { TokenReader, isToken } from '../extensions/token.js';

/** The value of a request or response under one name; the fields of `http.IncomingMessage` fit. */
export type FieldValue = string | number | readonly string[] | undefined;

/** Header fields by their lower-case names. */
export type Fields = Readonly<Record<string, FieldValue>>;

const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/** A field's text; repeated fields form one list (RFC 7230 3.2.2). */
export function textOf(value: FieldValue): string | undefined {
  if (Array.isArray(value)) return value.join(', ');
  return value === undefined ? undefined : String(value);
}

/** The number of times a name occurs in `rawHeaders`, a flat list of names and values in the order and case of the wire. */
export function countRaw(rawHeaders: readonly unknown[], name: string): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const found = rawHeaders[at];
    if (typeof found === 'string' && found.length === name.length && found.toLowerCase() === name) count++;
  }
  return count;
}

/** Whether a list of tokens contains this one, in any case; `token` is lower-case (RFC 7230 7). */
export function listsToken(text: string, token: string): boolean {
  const reader = new TokenReader(text);
  let found = false;
  do {
    reader.skipBlanks();
    if (reader.token().toLowerCase() === token) found = true;
    reader.skipBlanks();
  } while (reader.take(','));
  return found && reader.atEnd;
}

/**
 * One line of a head, without its CRLF.
 * @throws TypeError (`ERR_INVALID_HTTP_TOKEN`, `ERR_INVALID_CHAR`, the codes of Node) for a name that is not a token or a
 *   value with a control character; UsageError for a value that is not text
 */
export function fieldLine(name: string, value: string): string {
  checkText(`${name} is`, value);
  if (!isToken(name)) throw usage('ERR_INVALID_HTTP_TOKEN', `Header name must be a valid HTTP token ["${name}"]`);
  if (CONTROL.test(value)) throw usage('ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`);
  return `${name}: ${value}`;
}

/**
 * A whole head from its lines, including the empty line.
 * @throws TypeError (`ERR_INVALID_CHAR`) for a line with CR, LF, NUL or another control character: one line can never
 *   become two (RFC 7230 9.4); UsageError when `lines` is not a list
 */
export function joinHead(lines: readonly string[]): string {
  checkList('The lines of a head are', lines);
  for (const line of lines) {
    checkText('A line of a head is', line);
    if (line === '' || CONTROL.test(line)) {
      throw usage('ERR_INVALID_CHAR', `Invalid character in header line [${JSON.stringify(line)}]`);
    }
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A mistake of the caller, with a code that names it. */
export function usage(code: string, text: string): TypeError & { code: string } {
  return Object.assign(new TypeError(text), { code });
}
