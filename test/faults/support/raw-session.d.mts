// The types of raw-session.mjs, which runs in a process of its own.
interface Cut {
  path: string;
  octets: number;
  backlog: boolean;
  head: string;
}
export function play(role: 'client' | 'server', port: number, cuts: Cut[], frames: Buffer): Promise<number>;
export function strike(method: 'resetAndDestroy' | 'end'): void;
