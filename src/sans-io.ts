// The door `wsimd/codec`: frames, connections, the opening handshake and its extensions, without sockets or clocks.
export { kernels, loadWasmKernels, makeJavaScriptKernels, type Kernels } from './kernels/index.js';
export type { Tenant } from './kernels/kernels.js';
export type { KernelModule } from './kernels/load.js';
export { plainValues, type Values } from './values/values.js';
export type { FrameCursor } from './codec/frame-cursor.js';
export { FrameDecoder, type FrameDecoderOptions } from './codec/frame-decoder.js';
export type { FrameHeader } from './codec/neutral-scan.js';
export type { TakeOptions } from './codec/withheld.js';
export { FrameEncoder, type FrameEncoderOptions } from './codec/frame-encoder.js';
export { writeFrameHeader as writeHeader } from './codec/header.js';
export { mask } from './codec/mask.js';
export { isUtf8 } from './codec/utf8.js';
export type { Bytes } from './values/bytes.js';
export type { Payload } from './codec/payload.js';
export type { GenerateMask } from './codec/masking-key.js';
export { newStatistics, type Statistics, type Traffic } from './codec/statistics.js';
export {
  decodeClosePayload,
  encodeClosePayload,
  isValidCloseCode,
  judgeClosePayload,
  type ClosePayload,
} from './codec/close-payload.js';
export { Connection } from './connection/connection.js';
export type { ConnectionOptions, SendOptions } from './connection/options.js';
export type { Receiving } from './connection/receiving.js';
export type { Sending } from './connection/sending.js';
export type { PeerClose } from './connection/closing.js';
export { State } from './connection/state.js';
export {
  EventType,
  type CloseEvent,
  type ConnectionEvent,
  type ControlEvent,
  type FailureEvent,
  type MessageEvent,
  type PartEvent,
} from './connection/event.js';
export type { Fragment, FragmentSource } from './connection/outbound.js';
export type { SourceOptions } from './connection/options.js';
export { UsageError } from './errors/usage-error.js';
export { VIOLATIONS, violationError, type ViolationRow, type WebSocketError } from './errors/violations.js';
export { formatExtension, parseExtensions, type ExtensionOffer, type ExtensionParam } from './extensions/grammar.js';
export {
  acceptDeflateOffer,
  judgeDeflateResponse,
  resolveDeflate,
  writeDeflateOffer,
  type DeflateAcceptance,
  type DeflateAgreement,
  type DeflateOptions,
  type DeflateParams,
  type DeflatePreset,
} from './extensions/permessage-deflate.js';
export type { Parsed } from './extensions/token.js';
export { LATER, type Deflater, type Inflater } from './extensions/transform.js';
export { acceptKey, type Digest } from './handshake/accept.js';
export { encodeBase64 } from './handshake/base64.js';
export {
  createRequest,
  judgeResponse,
  writeRequest,
  type Agreement,
  type Expectation,
  type HandshakeFailure,
  type HandshakeResponse,
  type HeaderList,
  type RequestOptions,
} from './handshake/client.js';
export { joinHead, type FieldValue, type Fields } from './handshake/field.js';
export {
  RequestReader,
  ResponseReader,
  type Head,
  type HeadError,
  type HeadProgress,
  type HeadReader,
  type RequestHead,
  type RequestStart,
  type ResponseHead,
  type ResponseStart,
} from './handshake/head-reader.js';
export { allowOrigins, judgeOrigin, type AllowedOrigins } from './handshake/origin.js';
export {
  acceptanceLines,
  judgeRequest,
  writeRefusal,
  type Acceptance,
  type AcceptanceAnswer,
  type HandshakeRequest,
  type JudgeRequestOptions,
  type Opening,
  type Refusal,
} from './handshake/server.js';
export { CloseCode } from './spec/close-code.js';
export { FIN, Opcode, Role, RSV1, RSV2, RSV3 } from './spec/frame.js';
export { Violation } from './spec/violation.js';
