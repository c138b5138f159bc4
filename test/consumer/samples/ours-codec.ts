// The codec, strictly typed: programs of docs/codec.md with their types written out, and every type that a signature names.
import {
  acceptanceLines,
  acceptDeflateOffer,
  allowOrigins,
  Connection,
  createRequest,
  EventType,
  FIN,
  FrameDecoder,
  FrameEncoder,
  isUtf8,
  joinHead,
  judgeOrigin,
  judgeRequest,
  judgeResponse,
  kernels,
  LATER,
  loadWasmKernels,
  makeJavaScriptKernels,
  mask,
  newStatistics,
  Opcode,
  parseExtensions,
  plainValues,
  RequestReader,
  resolveDeflate,
  ResponseReader,
  Role,
  RSV1,
  State,
  UsageError,
  Violation,
  VIOLATIONS,
  violationError,
  writeHeader,
  writeRefusal,
  writeRequest,
  type Acceptance,
  type Agreement,
  type AllowedOrigins,
  type Bytes,
  type ConnectionEvent,
  type ConnectionOptions,
  type DeflateAcceptance,
  type Deflater,
  type Fragment,
  type FragmentSource,
  type FrameHeader,
  type GenerateMask,
  type HeadProgress,
  type Inflater,
  type KernelModule,
  type Kernels,
  type PartEvent,
  type Payload,
  type PeerClose,
  type Refusal,
  type RequestHead,
  type ResponseHead,
  type SendOptions,
  type Statistics,
  type Traffic,
  type Values,
  type ViolationRow,
  type WebSocketError,
} from 'wsimd/codec';

/** The opening handshake of a server: its answer, and the bytes after the request. */
function open(reader: RequestReader, chunk: Uint8Array): { answer: string; rest: Uint8Array } | undefined {
  const progress: HeadProgress<RequestHead> = reader.push(chunk);
  if (progress.error) throw new Error(`${progress.error.status} ${progress.error.message}`);
  if (!progress.head) return undefined;
  const verdict: Acceptance | Refusal = judgeRequest(progress.head, { strict: true, extensions: true });
  if (!verdict.accepted) {
    return { answer: writeRefusal(verdict.status, verdict.message, verdict.headers), rest: progress.rest };
  }
  const accepted: DeflateAcceptance | 'refused' | undefined = acceptDeflateOffer(verdict.offers, {});
  const extensions = typeof accepted === 'object' ? accepted.header : undefined;
  return { answer: joinHead(acceptanceLines({ key: verdict.key, extensions })), rest: progress.rest };
}

/** The opening handshake of a client. */
function agree(reader: ResponseReader, key: string, chunk: Uint8Array): Agreement | undefined {
  const { head, error }: HeadProgress<ResponseHead> = reader.push(chunk);
  if (error || !head) return undefined;
  const answer = judgeResponse(head, { key, deflate: resolveDeflate('shared') });
  return answer.agreed ? answer : undefined;
}

/** What an event tells. */
function describe(event: ConnectionEvent): string {
  switch (event.type) {
    case EventType.Message:
      return typeof event.data === 'string' ? event.data : `${event.data.byteLength} ${event.isBinary}`;
    case EventType.Part: {
      const { opcode, fin, isFirst, isLast, isFrameStart, isFrameEnd, frameLength }: PartEvent = event;
      return [Opcode[opcode], fin, isFirst, isLast, isFrameStart, isFrameEnd, frameLength].join();
    }
    case EventType.Ping:
    case EventType.Pong:
      return `${event.data.length}`;
    case EventType.Close:
      return `${event.code}`;
    case EventType.Failure: {
      const error: WebSocketError = event.error;
      return `${error.code} ${error.closeCode}`;
    }
  }
}

class Source implements FragmentSource {
  pull(): Fragment | undefined {
    return { data: 'a', last: true };
  }
  cancel(): void {}
}
const slow: Inflater & Deflater = { inflate: () => LATER, deflate: () => LATER, close() {} };
const generateMask: GenerateMask = (into) => crypto.getRandomValues(into);
const statistics: Statistics = newStatistics();
const sent: Traffic = statistics.sent;
const values: Values = { ...plainValues, random: (into) => void crypto.getRandomValues(into) };
const own: Kernels = loadWasmKernels() ?? makeJavaScriptKernels();
const options: ConnectionOptions = {
  role: Role.Client,
  generateMask,
  statistics,
  values,
  kernels: own,
  inflater: slow,
  deflater: slow,
};
const connection = new Connection(options);
// Options that were, or were not, agreed.
const perhaps = (inflater?: Inflater, deflater?: Deflater, limit?: number, judge?: boolean): unknown => [
  new Connection({ role: Role.Server, inflater, deflater, maxPayload: limit }).takeOutput({ limit }),
  new FrameDecoder({ role: Role.Client, judge, maxPayload: limit }),
  new FrameEncoder({ role: Role.Server, unchecked: judge }),
];
console.log(perhaps());
const sending: SendOptions = { binary: true, fin: true };
const payloads: Payload[] = ['text', new Float64Array(1), new ArrayBuffer(2), new SharedArrayBuffer(3)];
for (const payload of payloads) connection.send(payload, sending);
connection.sendFrom(new Source(), { rsv: RSV1, compress: true, binary: false });
connection.receive(Uint8Array.of(0x81, 0));
for (let event = connection.next(); event !== undefined; event = connection.next()) console.log(describe(event));
const chunks: Uint8Array[] = connection.takeOutput({ limit: 100 });
const copied: number = connection.takeInto(new Uint8Array(100));
const close: PeerClose | undefined = connection.closeReceived;
console.log(chunks.length, copied, close?.code, connection.state === State.Open, sent.octets, kernels.name);

const encoder = new FrameEncoder({ role: Role.Server, unchecked: true });
encoder.beginFrame(FIN | Opcode.Binary, 3);
encoder.payload(Uint8Array.of(1, 2, 3));
const bytes: Bytes = encoder.take()[0]!;
const decoder = new FrameDecoder({ role: Role.Client, judge: false });
decoder.push(new Uint8Array(bytes.byteLength));
const header: FrameHeader | undefined = decoder.next() ? decoder.header : undefined;
mask(new Uint8Array(4), header?.maskingKey ?? 0);
const violation: Violation = decoder.violation;
const row: ViolationRow | undefined = violation === Violation.None ? undefined : VIOLATIONS[violation];
const offers = parseExtensions('permessage-deflate');
const allowed: AllowedOrigins = allowOrigins(['https://example.test', undefined]);
const compiled: KernelModule | undefined = undefined;
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
console.log(
  row?.section,
  offers.value?.[0]?.name,
  judgeOrigin(undefined, allowed),
  isUtf8(new Uint8Array(1)),
  compiled,
);
console.log(
  writeHeader(new Uint8Array(14), 0, FIN | Opcode.Text, 5, 7),
  writeRequest('/', 'h', createRequest({ key })),
);
console.log(violationError(Violation.InvalidOpcode, 3) instanceof UsageError, open, agree);
