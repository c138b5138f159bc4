// `openSession` creates the session of a socket after the handshake, with the agreed engines.
import type { Duplex } from 'node:stream';
import { newStatistics } from '../codec/statistics.js';
import { Connection } from '../connection/connection.js';
import type { DeflateAgreement } from '../extensions/permessage-deflate.js';
import { Role } from '../spec/frame.js';
import { DEFAULT_THRESHOLD } from '../spec/limits.js';
import { countDeflating, countInflating, noteResult } from './deflate/counting.js';
import { createDeflater, createInflater, type PerMessageDeflateOptions } from './deflate/engines.js';
import { Sharing } from './deflate/sharing.js';
import { checkOptions, type SharedOptions } from './options.js';
import { Session, type Face, type OwnMethods, type SessionOwner } from './session.js';
import { nodeValues } from './values.js';

/** The agreement of the handshake and the options of this connection, as passed to `setSocket`. */
export interface SocketOptions extends SharedOptions {
  readonly generateMask?: ((mask: Buffer) => void) | undefined;
  readonly deflate?: { readonly agreement: DeflateAgreement; readonly options: PerMessageDeflateOptions } | undefined;
  /** @internal */
  readonly owner?: SessionOwner | undefined;
}

/**
 * The same for a connection of a server, with the server's options by reference: copying them takes longer than judging a
 * handshake. It also has the names that `ws` passes to `setSocket`.
 */
export class ServedSocketOptions implements SocketOptions {
  constructor(
    readonly shared: SharedOptions,
    readonly owner: SessionOwner | undefined,
    readonly deflate: SocketOptions['deflate'],
  ) {}

  get allowSynchronousEvents(): boolean | undefined {
    return this.shared.allowSynchronousEvents;
  }
  get maxPayload(): number | undefined {
    return this.shared.maxPayload;
  }
  get skipUTF8Validation(): boolean | undefined {
    return this.shared.skipUTF8Validation;
  }
}

/**
 * Takes over a socket.
 * @param methods the methods of WebSocket, to detect those that the application has replaced
 * @param opened called with the session before anything is read
 * @throws RangeError when a number cannot be honoured
 */
export function openSession(
  face: Face,
  socket: Duplex,
  head: Buffer,
  options: SocketOptions,
  methods: OwnMethods,
  opened: (session: Session) => void,
): void {
  const checked = checkOptions(options instanceof ServedSocketOptions ? options.shared : options);
  const role = face._isServer ? Role.Server : Role.Client;
  const { deflate } = options;
  const statistics = checked.statistics ? (face.statistics = newStatistics()) : undefined;
  let session: Session;
  let inflater, deflater, sharing;
  let threshold = 0;
  if (deflate !== undefined) {
    const { agreement } = deflate;
    const received = statistics?.received;
    const sent = statistics?.sent;
    inflater = createInflater(agreement, role, deflate.options, (result) =>
      session.inflated(noteResult(received, 'uncompressed', result)),
    );
    deflater = createDeflater(agreement, role, deflate.options, (result) =>
      session.deflated(noteResult(sent, 'compressed', result)),
    );
    if (received !== undefined) inflater = countInflating(inflater, received);
    if (sent !== undefined) deflater = countDeflating(deflater, sent);
    if (face._isServer) sharing = Sharing.of(agreement.serverMaxWindowBits, deflate.options);
    const forgets = face._isServer ? agreement.serverNoContextTakeover : agreement.clientNoContextTakeover;
    // As in ws, text counts as a number.
    if (forgets) threshold = Number((deflate.options.threshold as unknown) ?? DEFAULT_THRESHOLD);
  }
  const connection = new Connection({
    role,
    maxPayload: checked.maxPayload,
    maxFragments: checked.maxFragments,
    maxBufferedChunks: checked.maxBufferedChunks,
    skipUTF8Validation: checked.skipUTF8Validation,
    autoPong: checked.autoPong,
    text: checked.text,
    // As in ws, null, false and other values that are not true stand for none.
    generateMask: (options.generateMask || undefined) as ((mask: Uint8Array) => void) | undefined,
    statistics,
    inflater,
    deflater,
    threshold,
    controlFirst: false,
    values: nodeValues,
  });
  connection.keepFragments = face._binaryType === 'fragments';
  session = new Session(face, socket, connection, {
    checked,
    agreement: deflate?.agreement,
    sharing,
    owner: options.owner,
    methods,
  });
  const net = socket as Duplex & { setTimeout?: (ms: number) => void; setNoDelay?: () => void };
  net.setTimeout?.(0);
  net.setNoDelay?.();
  opened(session);
  session.open(head, checked);
}
