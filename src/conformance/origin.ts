// `judgeOrigin` judges who may drive the examiner: programs, its own page, and pages that were allowed.

import { isIP } from 'node:net';
import type { HandshakeHeader } from './case.js';
import { hasToken } from './handshake.js';

/** Whose requests are answered. */
export interface Welcome {
  /** Where the server listens, as it was told. */
  host: string;
  secure: boolean;
  /** Origins whose pages may speak to it, such as `http://localhost:8080` or `null`; `*` stands for any. */
  allowedOrigins: readonly string[];
}

/** The host of a Host header, without port and brackets. */
function hostnameOf(host: string): string {
  return (
    /^\[([^\]]*)\](?::\d*)?$|^([^:]*)(?::\d*)?$/
      .exec(host)
      ?.slice(1)
      .find((part) => part !== undefined) ?? ''
  ).toLowerCase();
}

/** Whether a browser that sends this Host has been led here by nobody: a name of a stranger may have been rebound to this address. */
function isOurName(host: string, { host: own, allowedOrigins }: Welcome): boolean {
  const name = hostnameOf(host);
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || name === own.toLowerCase())
    return true;
  return allowedOrigins.some((origin) => URL.canParse(origin) && new URL(origin).hostname === name);
}

/** Whether the request asks for a WebSocket connection; browsers send an Origin with each of these. */
export function wantsUpgrade(header: HandshakeHeader): boolean {
  return hasToken(header.values('upgrade'), 'websocket') && hasToken(header.values('connection'), 'upgrade');
}

/**
 * Why a request is refused, or null. Without an Origin it comes from a program when it wants to upgrade; a plain GET may come from any page,
 * by an image or a rebound name, so its Host has to be ours.
 */
export function judgeOrigin(header: HandshakeHeader, welcome: Welcome): string | null {
  const origins = header.values('origin');
  const host = header.values('host')[0] ?? '';
  if (origins.length === 0) {
    if (wantsUpgrade(header) || isOurName(host, welcome)) return null;
    return `The name "${host}" is none under which this server is known.`;
  }
  const [origin] = origins;
  if (origins.length > 1) return 'The request has more than one Origin.';
  if (welcome.allowedOrigins.includes('*') || welcome.allowedOrigins.includes(origin)) return null;
  const own = `${welcome.secure ? 'https' : 'http'}://${host}`;
  if (origin.toLowerCase() === own.toLowerCase() && isOurName(host, welcome)) return null;
  return `Pages of ${origin} may not speak to this server; --allow-origin ${origin} lets them.`;
}
