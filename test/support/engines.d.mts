export interface Engine {
  readonly port: number;
  /** Where a hub listens. */
  readonly path: string;
  pid(): number;
  /** Starts it again on the same port, after `stop`. */
  start(): Promise<void>;
  /** Kills it; what it kept in memory is lost. */
  stop(): Promise<void>;
  /** Has it stand still, with its connections open. */
  pause(): void;
  resume(): void;
  /** Stops it and removes its directory. */
  end(): Promise<void>;
}
export function hasEngine(program: string): boolean;
export function startRedis(...flags: string[]): Promise<Engine>;
export function startRedisCluster(...flags: string[]): Promise<{ nodes: Engine[]; end(): Promise<unknown> }>;
export function startNats(...flags: string[]): Promise<Engine>;
export function startHub(history: boolean): Promise<Engine>;
