// `judgeOrigin` decides who may drive the examiner: programs, its own page and allowed pages.

import { isIP } from 'node:net';
import type { HandshakeHeader } from './case.js';
import { hasToken } from './handshake.js';

/** The requests that the examiner answers. */
export interface Welcome {
  /** The host at which the server listens, as in the settings. */
  host: string;
  secure: boolean;
  /** The origins whose pages may send requests, such as `http://localhost:8080` or `null`; `*` is any. */
  allowedOrigins: readonly string[];
}

/** The host in a Host header, without the port and brackets. */
function hostnameOf(host: string): string {
  return (
    /^\[([^\]]*)\](?::\d*)?$|^([^:]*)(?::\d*)?$/
      .exec(host)
      ?.slice(1)
      .find((part) => part !== undefined) ?? ''
  ).toLowerCase();
}

/** Whether a Host header has a name of this server. DNS rebinding can lead a browser here by a foreign name. */
function isOurName(host: string, { host: own, allowedOrigins }: Welcome): boolean {
  const name = hostnameOf(host);
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || name === own.toLowerCase())
    return true;
  return allowedOrigins.some((origin) => URL.canParse(origin) && new URL(origin).hostname === name);
}

/** Whether the request is for a WebSocket connection; browsers send an Origin with each such request. */
export function wantsUpgrade(header: HandshakeHeader): boolean {
  return hasToken(header.values('upgrade'), 'websocket') && hasToken(header.values('connection'), 'upgrade');
}

/**
 * The reason to refuse a request, or null. A request to upgrade without an Origin comes from a program. A plain GET may come
 * from any page, by an image or by DNS rebinding, so its Host must be a name of this server.
 */
export function judgeOrigin(header: HandshakeHeader, welcome: Welcome): string | null {
  const origins = header.values('origin');
  const host = header.values('host')[0] ?? '';
  if (origins.length === 0) {
    if (wantsUpgrade(header)) return null;
    if (!isOurName(host, welcome)) return `The name "${host}" is none under which this server is known.`;
    // A page of another site may lead a browser to this page, but not to /?run, which begins a run.
    const isLed = header.values('sec-fetch-site').includes('cross-site') && header.startLine.includes('?');
    return isLed ? 'Pages of other sites may not begin a run; open /?run yourself.' : null;
  }
  const [origin] = origins;
  if (origins.length > 1) return 'The request has more than one Origin.';
  if (welcome.allowedOrigins.includes('*') || welcome.allowedOrigins.includes(origin)) return null;
  const own = `${welcome.secure ? 'https' : 'http'}://${host}`;
  if (origin.toLowerCase() === own.toLowerCase() && isOurName(host, welcome)) return null;
  return `Pages of ${origin} may not speak to this server; --allow-origin ${origin} lets them.`;
}
