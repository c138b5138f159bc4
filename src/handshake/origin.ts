// `judgeOrigin` tells whether the Origin of a request is among the allowed ones (RFC 6455 10.2, RFC 6454 7).
import { checkText, refuse } from '../errors/usage-error.js';

const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(0|[1-9][0-9]{0,4}))?$/;

const DEFAULT_PORTS: ReadonlyMap<string, string> = new Map([
  ['http', '80'],
  ['https', '443'],
  ['ws', '80'],
  ['wss', '443'],
]);

/** Allowed origins in normal form; undefined in it stands for requests without an Origin. */
export type AllowedOrigins = ReadonlySet<string | undefined>;

/** The origin in normal form: lower-case, without its scheme's default port; undefined for anything but `scheme://host[:port]`. */
function canonicalOrigin(text: string): string | undefined {
  const [, scheme, host, port] = ORIGIN.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || Number(port ?? 0) > 65535) return undefined;
  const isDefault = port === undefined || DEFAULT_PORTS.get(scheme) === port;
  return isDefault ? `${scheme}://${host}` : `${scheme}://${host}:${port}`;
}

/**
 * Prepares a list of allowed origins: `https://example.com`, `http://localhost:8080`, `[::1]` hosts in brackets,
 * internationalised hosts in their ASCII form (`xn--`). undefined in the list allows requests without an Origin, which
 * browsers always send and other clients mostly do not.
 * @throws TypeError for anything but a list, and for an invalid origin in it; `null`, which browsers send for pages without
 *   one, cannot be allowed
 */
export function allowOrigins(list: readonly (string | undefined)[]): AllowedOrigins {
  if (!Array.isArray(list)) throw new TypeError('allowedOrigins: a list of origins is wanted');
  return new Set(
    list.map((entry) => {
      if (entry === undefined) return undefined;
      const origin = typeof entry === 'string' ? canonicalOrigin(entry) : undefined;
      if (origin === undefined) throw new TypeError(`allowedOrigins: "${String(entry)}" is not an origin`);
      return origin;
    }),
  );
}

/** Whether a request with this Origin may connect; a malformed one, and `null`, never may (RFC 6455 10.2). */
export function judgeOrigin(origin: string | undefined, allowed: AllowedOrigins): boolean {
  if (!(allowed instanceof Set)) refuse('The allowed origins are a set that allowOrigins made', allowed);
  if (origin === undefined) return allowed.has(undefined);
  checkText('An Origin is', origin);
  const canonical = canonicalOrigin(origin);
  return canonical !== undefined && allowed.has(canonical);
}
