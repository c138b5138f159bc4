// Bugs that ws once had, planted into this library: each is one change of the source, and a named test that must find it.

export interface PlantedBug {
  /** The commit of ws that mended it. */
  readonly commit: string;
  readonly what: string;
  readonly file: string;
  /** What stands in the file, once, and what comes in its place. */
  readonly from: string;
  readonly to: string;
  readonly test: readonly [file: string, title: string];
}

const CONNECTION = 'test/connection/connection.test.ts';
const REQUESTS = 'test/handshake/server.test.ts';
const RESPONSES = 'test/handshake/client.test.ts';
const TWINS: PlantedBug['test'] = ['test/kernels/twins.test.ts', 'does exactly what the JavaScript kernels do'];

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    commit: 'b6430fea',
    what: 'close codes 1012 to 1014 are refused',
    file: 'src/codec/close-payload.ts',
    from: 'return code in CloseCode',
    to: 'return code <= CloseCode.InternalError && code in CloseCode',
    test: ['test/codec/close-payload.test.ts', '7.4 knows which of the 65,536 codes may be sent'],
  },
  {
    commit: 'a31b1f64',
    what: 'close code 1005 is taken from the wire',
    file: 'src/spec/close-code.ts',
    from: '[CloseCode.NoStatus, CloseCode.Abnormal,',
    to: '[CloseCode.Abnormal,',
    test: ['test/codec/close-payload.test.ts', '7.4 knows which of the 65,536 codes may be sent'],
  },
  {
    commit: 'c4fe4660',
    what: 'names of Object.prototype count as there already',
    file: 'src/handshake/subprotocol.ts',
    from: 'if (protocols.has(protocol))',
    to: 'if (protocol in {} || protocols.has(protocol))',
    test: ['test/handshake/subprotocol.test.ts', '11.3.4 names of Object.prototype are names like others'],
  },
  {
    commit: '1877ddeb',
    what: 'a subprotocol may come twice',
    file: 'src/handshake/subprotocol.ts',
    from: 'if (protocols.has(protocol))',
    to: 'if (false)',
    test: ['test/handshake/subprotocol.test.ts', '4.1 refuses a name that comes twice'],
  },
  {
    commit: 'e814110e',
    what: 'quoted values of extension parameters are not read',
    file: 'src/extensions/grammar.ts',
    from: `reader.take('"') ? reader.quoted() : reader.token()`,
    to: 'reader.token()',
    test: ['test/extensions/grammar.test.ts', '9.1 lists extensions and parameters in order'],
  },
  {
    commit: 'e55e5106',
    what: 'a request without an Upgrade field throws',
    file: 'src/handshake/server.ts',
    from: '  if (upgrade === undefined) return false;\n',
    to: '',
    test: [REQUESTS, 'C01 any field may be missing, and nothing throws'],
  },
  {
    commit: '160af45b',
    what: 'the key is not looked at',
    file: 'src/handshake/server.ts',
    from: '!isKey(key)',
    to: 'false',
    test: [REQUESTS, 'C07 through our parser, plain and strict'],
  },
  {
    commit: '92d86969',
    what: 'any method will do',
    file: 'src/handshake/server.ts',
    from: "if (request.method !== 'GET')",
    to: 'if (false)',
    test: [REQUESTS, 'C07 through our parser, plain and strict'],
  },
  {
    commit: 'c8f3ed4f',
    what: 'the case of Upgrade matters',
    file: 'src/handshake/server.ts',
    from: "upgrade.toLowerCase() === 'websocket'",
    to: "upgrade === 'websocket'",
    test: [REQUESTS, 'C07 through our parser, plain and strict'],
  },
  {
    commit: '33f5dbaf',
    what: 'a refused version is not told which versions there are',
    file: 'src/handshake/server.ts',
    from: "{ 'Sec-WebSocket-Version': '13, 8' }",
    to: '{}',
    test: [REQUESTS, '4.4 only the refusal of a version'],
  },
  {
    commit: '0fdcc0af',
    what: 'a client goes on without an Upgrade field in the response',
    file: 'src/handshake/client.ts',
    from: "textOf(headers.upgrade)?.toLowerCase() !== 'websocket'",
    to: 'false',
    test: [RESPONSES, 'C15 every response is judged the same whole'],
  },
  {
    commit: 'aca94c86',
    what: 'an extension that nobody asked for is taken',
    file: 'src/handshake/client.ts',
    from: '  if (text === undefined) return undefined;',
    to: '  if (text === undefined || offered === undefined) return undefined;',
    test: [RESPONSES, 'C15 every response is judged the same whole'],
  },
  {
    commit: '5edb4601',
    what: 'empty frames get a masking key of zeros',
    file: 'src/codec/frame-encoder.ts',
    from: 'const key = drawKey();',
    to: 'const key = payload.length === 0 ? 0 : drawKey();',
    test: ['test/codec/frame-encoder.test.ts', '5.3 draws a fresh key for every frame, empty and control frames too'],
  },
  {
    commit: '0c0754b8',
    what: 'the length of text is that of its code units',
    file: 'src/codec/frame-encoder.ts',
    from: 'if (length !== units) at = rewriteHeader(',
    to: 'if (length < units) at = rewriteHeader(',
    test: ['test/codec/frame-encoder.test.ts', '5.2 mends the guessed length'],
  },
  {
    commit: '4f293a87',
    what: 'a client takes masked frames',
    file: 'src/kernels/twin-frames.ts',
    from: 'if ((second & MASK) !== mustMask)',
    to: 'if (mustMask !== 0 && (second & MASK) !== mustMask)',
    test: TWINS,
  },
  {
    commit: '73d6880b',
    what: 'a message stays open after its last fragment',
    file: 'src/kernels/twin-frames.ts',
    from: 'if (flags & RECORD_FIN) message = 0;',
    to: '',
    test: TWINS,
  },
  {
    commit: 'd856dcb3',
    what: 'what waits is compressed, whatever was asked for it',
    file: 'src/connection/outbound.ts',
    from: 'if (next.compress) return',
    to: 'if (this.deflater !== undefined) return',
    test: [CONNECTION, '5.4 keeps the order of all that was sent behind it'],
  },
  {
    commit: '060b6cad',
    what: 'the bytes of what waits are the caller’s own',
    file: 'src/connection/outbound.ts',
    from: "typeof data === 'string' ? data : copyOf(data)",
    to: 'data',
    test: [CONNECTION, '5.4 keeps the order of all that was sent behind it'],
  },
  {
    commit: '3df48095',
    what: 'a control frame is told with the first bytes of it that come',
    file: 'src/connection/inbound.ts',
    from: '        if (!(kind & RECORD_END)) return undefined;\n',
    to: '',
    test: [CONNECTION, '5-7 two connections that talk at random'],
  },
  {
    commit: '8806aa9a',
    what: 'no Close is sent when the connection fails',
    file: 'src/connection/connection.ts',
    from: 'if (closing.queued === undefined) this.writeClose(',
    to: 'if (false) this.writeClose(',
    test: [CONNECTION, '7.1.7 replies and messages that were queued go out before the Close'],
  },
  {
    commit: '8.23.0',
    what: 'pongs wait without number',
    file: 'src/connection/pongs.ts',
    from: 'if (this.waiting < MAX_PONGS)',
    to: 'if (true)',
    test: [CONNECTION, '5.5.3 while earlier output waits'],
  },
  {
    commit: 'e54f08da',
    what: 'a control frame may be of any length',
    file: 'src/codec/control-length.ts',
    from: 'if (length > MAX_CONTROL_PAYLOAD)',
    to: 'if (false)',
    test: [CONNECTION, '5.5 a control frame of 126 bytes throws'],
  },
  {
    commit: '44f9e89a',
    what: 'what had come before the end is dropped',
    file: 'src/connection/connection.ts',
    from: 'if (!this.decoder.isBusy) this.endReading();',
    to: 'this.endReading();',
    test: [CONNECTION, '7.1.5 the peer’s end without a Close'],
  },
];
