// `PerMessageDeflate` is the class of `ws`, which packages use without its documentation, over this library's
// negotiation and engines.
import type { ExtensionParam } from '../../extensions/grammar.js';
import {
  decodeDeflateParams,
  isAcceptable,
  judgeDeflateResponse,
  PERMESSAGE_DEFLATE,
  responseTo,
  type DeflateAgreement,
  type DeflateParams,
} from '../../extensions/permessage-deflate.js';
import { LATER, type Deflater, type Inflater } from '../../extensions/transform.js';
import { Queue } from '../../queue.js';
import { Role } from '../../spec/frame.js';
import { DEFAULT_THRESHOLD } from '../../spec/limits.js';
import { createDeflater, createInflater, type PerMessageDeflateOptions } from '../deflate/engines.js';
import type { Result } from '../deflate/result.js';
import { nextTurn } from '../turn.js';

const MAX_WINDOW_BITS = 15;

/** The parameters of an offer or response as `extension.parse` returns them: each name with its values. */
export type WsParamLists = Record<string, readonly (string | number | true)[]>;

/** Parameters as `ws` shows them, under their names on the wire. */
export interface WsParams {
  server_no_context_takeover?: true;
  client_no_context_takeover?: true;
  server_max_window_bits?: number;
  client_max_window_bits?: number | true;
}

export interface WsPerMessageDeflateOptions extends PerMessageDeflateOptions {
  /** Whether this is a server; false by default. */
  readonly isServer?: boolean | undefined;
  /** The longest message that is inflated, in bytes; 0 for no limit. */
  readonly maxPayload?: number | undefined;
}

export type WsDeflateCallback = (error: Error | null, data?: Buffer) => void;

interface Call {
  readonly start: () => Result | typeof LATER;
  readonly callback: WsDeflateCallback;
}

/** The calls of one direction, one after another; each callback comes in a later turn of the event loop, as in `ws`. */
class CallLine {
  private readonly calls = new Queue<Call>();
  private running = false;
  inflater: Inflater | undefined;
  deflater: Deflater | undefined;
  /** The frames of a message whose last frame has not come. */
  fragments: Uint8Array[] = [];

  add(call: Call): void {
    this.calls.push(call);
    this.start();
  }

  /** Delivers the first call's result and starts the next call. */
  settle(result: Result): void {
    const call = this.calls.shift();
    this.running = false;
    try {
      if (!ArrayBuffer.isView(result)) call?.callback(result);
      else call?.callback(null, Buffer.from(result.buffer, result.byteOffset, result.byteLength));
    } finally {
      this.start();
    }
  }

  /** Releases the engine, and settles all calls with an error. */
  close(error: Error): void {
    this.inflater?.close();
    this.deflater?.close();
    const calls = this.calls.takeAll();
    this.running = false;
    for (const { callback } of calls) callback(error);
  }

  private start(): void {
    const call = this.calls.first;
    if (call === undefined || this.running) return;
    this.running = true;
    const answer = call.start();
    if (answer === LATER) return;
    nextTurn(() => {
      // Not where the line has been closed since.
      if (this.calls.first === call) this.settle(answer);
    });
  }
}

/** permessage-deflate for one connection, as `ws` exports it. */
export class PerMessageDeflate {
  /** The accepted parameters; null before. */
  params: WsParams | null = null;

  // Under names of `ws`, and not `#`: a Proxy has these too.
  /** @internal */
  readonly _options: WsPerMessageDeflateOptions;
  /** Whether this is a server's side. @internal */
  readonly _isServer: boolean;
  /** Messages shorter than this many bytes are not worth compressing where no context is kept. @internal */
  readonly _threshold: number;
  /** @internal */
  readonly _maxPayload: number;
  /** @internal */
  _deflate: CallLine | null = null;
  /** @internal */
  _inflate: CallLine | null = null;

  constructor(options: WsPerMessageDeflateOptions = {}) {
    this._options = options;
    this._isServer = Boolean(options.isServer);
    this._threshold = options.threshold ?? DEFAULT_THRESHOLD;
    this._maxPayload = options.maxPayload ?? 0;
  }

  static get extensionName(): string {
    return PERMESSAGE_DEFLATE;
  }

  /** The parameters of a client's offer. */
  offer(): WsParams {
    const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } =
      this._options;
    return shown({
      serverNoContextTakeover: Boolean(serverNoContextTakeover),
      clientNoContextTakeover: Boolean(clientNoContextTakeover),
      serverMaxWindowBits: numberOf(serverMaxWindowBits),
      clientMaxWindowBits: clientMaxWindowBits === false ? undefined : (numberOf(clientMaxWindowBits) ?? true),
    });
  }

  /**
   * Accepts one of a client's offers, or a server's response.
   * @throws Error or TypeError, in the words of `ws`, where that is not possible
   */
  accept(configurations: readonly WsParamLists[]): WsParams {
    const lists = configurations.map(paramsOf);
    const accepted = this._isServer ? acceptOffer(lists, this._options) : acceptResponse(lists[0], this._options);
    // Parameters that the parser gave have no prototype, and the accepted ones have none either.
    this.params = Object.assign(Object.create(Object.getPrototypeOf(configurations[0])) as WsParams, shown(accepted));
    return this.params;
  }

  /**
   * Compresses one frame's payload.
   * @param fin whether the frame ends its message
   */
  compress(data: Uint8Array | string, fin: boolean, callback: WsDeflateCallback): void {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    const line = (this._deflate ??= new CallLine());
    const start = (): Result | typeof LATER => {
      line.deflater ??= createDeflater(agreed(this.params), roleOf(this), this._options, (result) =>
        line.settle(result),
      );
      return line.deflater.deflate(payload, fin);
    };
    line.add({ start, callback });
  }

  /**
   * Decompresses one frame's payload.
   * Deviation from ws (D12): all bytes of a message come with its last frame, and the frames before it give none.
   * @param fin whether the frame ends its message
   */
  decompress(data: Uint8Array, fin: boolean, callback: WsDeflateCallback): void {
    const line = (this._inflate ??= new CallLine());
    const start = (): Result | typeof LATER => {
      line.fragments.push(data);
      if (!fin) return Buffer.alloc(0);
      const payload = line.fragments.length === 1 ? data : Buffer.concat(line.fragments);
      line.fragments = [];
      line.inflater ??= createInflater(agreed(this.params), roleOf(this), this._options, (result) =>
        line.settle(result),
      );
      return line.inflater.inflate(payload, this._maxPayload >= 1 ? this._maxPayload : Infinity);
    };
    line.add({ start, callback });
  }

  /** Releases all memory; calls under way end with an error. */
  cleanup(): void {
    const { _inflate: inflate, _deflate: deflate } = this;
    this._inflate = this._deflate = null;
    inflate?.close(new Error('The inflate stream was closed while data was being processed'));
    deflate?.close(new Error('The deflate stream was closed while data was being processed'));
  }
}

function roleOf({ _isServer: isServer }: PerMessageDeflate): Role {
  return isServer ? Role.Server : Role.Client;
}

function acceptOffer(lists: readonly ExtensionParam[][], options: WsPerMessageDeflateOptions): DeflateParams {
  const offers = lists.map((params) => decoded(params, 'offer'));
  const offer = offers.find((candidate) => isAcceptable(candidate, options));
  if (offer === undefined) throw new Error('None of the extension offers can be accepted');
  return responseTo(offer, options);
}

function acceptResponse(params: readonly ExtensionParam[], options: WsPerMessageDeflateOptions): DeflateParams {
  const response = decoded(params, 'response');
  const { fault } = judgeDeflateResponse(params, options);
  if (fault !== undefined) throw new Error(fault);
  return {
    ...response,
    clientMaxWindowBits: response.clientMaxWindowBits ?? numberOf(options.clientMaxWindowBits),
  };
}

function agreed(params: WsParams | null): DeflateAgreement {
  return {
    serverNoContextTakeover: params?.server_no_context_takeover === true,
    clientNoContextTakeover: params?.client_no_context_takeover === true,
    serverMaxWindowBits: params?.server_max_window_bits ?? MAX_WINDOW_BITS,
    clientMaxWindowBits: numberOf(params?.client_max_window_bits) ?? MAX_WINDOW_BITS,
  };
}

function numberOf(value: number | boolean | null | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function paramsOf(lists: WsParamLists): ExtensionParam[] {
  return Object.entries(lists).flatMap(([name, values]) =>
    values.map((value) => ({ name, value: value === true ? true : String(value) })),
  );
}

/** Decodes parameters, or throws their fault as the class of error that `ws` throws. */
function decoded(params: readonly ExtensionParam[], source: 'offer' | 'response'): DeflateParams {
  const { value, fault } = decodeDeflateParams(params, source);
  if (value !== undefined) return value;
  throw fault.startsWith('Invalid value') ? new TypeError(fault) : new Error(fault);
}

function shown(params: DeflateParams): WsParams {
  const { serverMaxWindowBits, clientMaxWindowBits } = params;
  return {
    ...(params.serverNoContextTakeover && { server_no_context_takeover: true }),
    ...(params.clientNoContextTakeover && { client_no_context_takeover: true }),
    ...(serverMaxWindowBits !== undefined && { server_max_window_bits: serverMaxWindowBits }),
    ...(clientMaxWindowBits !== undefined && { client_max_window_bits: clientMaxWindowBits }),
  };
}
