// `TokenReader` reads the tokens of a header field in one pass from left to right (RFC 7230 3.2.6).

/** A parser's result: the value, or why the text does not parse. */
export type Parsed<T> =
  { readonly value: T; readonly fault?: undefined } | { readonly fault: string; readonly value?: undefined };

const SPACE = 0x20;
const TAB = 0x09;

function tokenTable(): Uint8Array {
  const table = new Uint8Array(0x80);
  for (const character of "!#$%&'*+-.^_`|~") table[character.charCodeAt(0)] = 1;
  for (const [from, to] of ['09', 'AZ', 'az']) table.fill(1, from.charCodeAt(0), to.charCodeAt(0) + 1);
  return table;
}

const IS_TOKEN: Uint8Array = tokenTable();

/** Whether a byte is allowed in a token. */
export function isTokenByte(byte: number): boolean {
  return IS_TOKEN[byte] === 1;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Whether the whole text is one token (RFC 7230 3.2.6). */
export function isToken(text: string): boolean {
  const reader = new TokenReader(text);
  return reader.token() !== '' && reader.atEnd;
}

/**
 * A cursor over a header field's text. Every character is read a bounded number of times, so all parsers are
 * linear.
 */
export class TokenReader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Whether the text was read to its end, and does not end in a blank. */
  get atEnd(): boolean {
    return this.at === this.text.length && !isBlank(this.text.charCodeAt(this.at - 1));
  }

  /** Why reading cannot continue here, in the words of `ws`. */
  get fault(): string {
    return this.at < this.text.length ? `Unexpected character at index ${this.at}` : 'Unexpected end of input';
  }

  /** Steps over `character` if it is the next one. */
  take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  skipBlanks(): void {
    while (isBlank(this.text.charCodeAt(this.at))) this.at++;
  }

  /** The token at the current place, or ''. */
  token(): string {
    const start = this.at;
    while (this.nextIsToken()) this.at++;
    return this.text.slice(start, this.at);
  }

  /** The value of a quoted-string whose opening quote was taken, or '' where it breaks the rules. */
  quoted(): string {
    let value = '';
    for (;;) {
      value += this.token();
      if (value !== '' && this.take('"')) return value;
      // RFC 6455 9.1: a quoted-string's value, after unescaping, must be a token
      if (!this.take('\\') || !this.nextIsToken()) return '';
    }
  }

  private nextIsToken(): boolean {
    return isTokenByte(this.text.charCodeAt(this.at));
  }
}
