// `admit` judges a request for a WebSocket, calls the application's functions about it, and opens or refuses it.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  acceptDeflateOffer,
  PERMESSAGE_DEFLATE,
  resolveDeflate,
  type DeflateAcceptance,
} from '../../extensions/permessage-deflate.js';
import { judgeOrigin } from '../../handshake/origin.js';
import { judgeOffers, type Opening, type Refusal } from '../../handshake/server.js';
import { noteAsked } from '../channels.js';
import type { PerMessageDeflateOptions } from '../deflate/engines.js';
import { isStream } from '../http2/answer.js';
import type { ClientInfo, ServerOptions, VerifyClientAnswer, VerifyClientSync } from '../server-options.js';
import type { WebSocket } from '../websocket.js';
import { holdingsOf, type Holder } from './holdings.js';
import {
  isFunction,
  refuse,
  refuseAndTell,
  refuseOrTell,
  refusingThrown,
  watchErrors,
  type Refuser,
} from './refusal.js';

/** The agreements, by the extension's name. */
export interface Extensions {
  [PERMESSAGE_DEFLATE]?: DeflateAcceptance;
}

type Opened = (websocket: WebSocket, request: IncomingMessage) => void;

/** The part of a WebSocketServer that admits clients. */
interface Admitter extends Holder, Refuser {
  readonly options: ServerOptions;
  shouldHandle(request: IncomingMessage): boolean;
  completeUpgrade(
    extensions: Extensions,
    key: string,
    protocols: ReadonlySet<string>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: Opened,
  ): void;
}

/** Judges a request, asks the application, and answers. */
export function admit(
  server: Admitter,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  judge: (strict: boolean) => Opening | Refusal,
  callback: Opened,
): void {
  watchErrors(socket);
  noteAsked(socket, server, request);
  const { options } = server;
  let deflate: PerMessageDeflateOptions | undefined;
  try {
    deflate = resolveDeflate<PerMessageDeflateOptions>(options.perMessageDeflate);
  } catch (error) {
    return refuseAndTell(server, request, socket, error);
  }
  const opening = judge(Boolean(options.strictHandshake));
  if (!opening.accepted) return refuseOrTell(server, request, socket, opening);
  if (!refusingThrown(socket, () => server.shouldHandle(request))) return refuse(socket, 400);
  const { origins } = holdingsOf(server);
  if (origins !== undefined && !judgeOrigin(opening.origin, origins)) return refuse(socket, 403);
  const acceptance = judgeOffers(request, opening, { extensions: deflate !== undefined });
  if (!acceptance.accepted) return refuseOrTell(server, request, socket, acceptance);
  const agreed = deflate === undefined ? undefined : acceptDeflateOffer(acceptance.offers, deflate);
  if (agreed === 'refused') {
    const message = 'Invalid or unacceptable Sec-WebSocket-Extensions header';
    return refuseOrTell(server, request, socket, { status: 400, message, headers: {} });
  }
  const extensions: Extensions = agreed === undefined ? {} : { [PERMESSAGE_DEFLATE]: agreed };
  const { key, protocols } = acceptance;
  const complete = (): void => server.completeUpgrade(extensions, key, protocols, request, socket, head, callback);

  if (!options.verifyClient) return complete();
  if (!isFunction(server, 'verifyClient', request, socket)) return;
  const info: ClientInfo = {
    origin: opening.origin,
    secure: isSecure(request, socket),
    req: request,
  };
  if (options.verifyClient.length === 2) {
    const answer: VerifyClientAnswer = (accepted, status, message, headers) => {
      if (accepted) return complete();
      try {
        refuse(socket, status || 401, message, headers);
      } catch (error) {
        refuseAndTell(server, request, socket, error);
      }
    };
    // Called as a method of the options, as in ws.
    refusingThrown(socket, () => void options.verifyClient!(info, answer));
  } else if (refusingThrown(socket, () => (options as { verifyClient: VerifyClientSync }).verifyClient(info))) {
    complete();
  } else {
    refuse(socket, 401);
  }
}

function isSecure(request: IncomingMessage, carrier: Duplex): boolean {
  if (isStream(carrier)) return Boolean(carrier.session?.encrypted);
  const socket = request.socket as { authorized?: boolean; encrypted?: boolean } | undefined;
  return Boolean(socket?.authorized || socket?.encrypted);
}
