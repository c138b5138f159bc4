// The parts of `ws` that its types leave out, typed as far as the differential tests use them.
import { createRequire } from 'node:module';

type WsParams = Record<string, (string | true)[]>;

interface WsPerMessageDeflate {
  params: Record<string, number | boolean> | null;
  offer(): Record<string, number | true>;
  accept(configurations: WsParams[]): Record<string, number | boolean>;
}

interface WsInternals {
  extension: {
    parse(header: string): Record<string, WsParams[]>;
    format(extensions: Record<string, object | object[]>): string;
  };
  subprotocol: { parse(header: string): Set<string> };
  PerMessageDeflate: new (options: object) => WsPerMessageDeflate;
}

export const wsInternals: WsInternals = createRequire(import.meta.url)('ws') as WsInternals;

/** What a function returns, or the message of what it throws. */
export function outcome<T>(attempt: () => T): { value: T } | { fault: string } {
  try {
    return { value: attempt() };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}
