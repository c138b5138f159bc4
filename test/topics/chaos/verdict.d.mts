export interface Received {
  readonly topic: string;
  readonly sessions: readonly (readonly (string | null)[])[];
  readonly positions: readonly string[];
  readonly unrecovered: number;
}
export interface Fates {
  readonly accepted: Set<string>;
  readonly rejected: Map<string, boolean>;
}
export function judgeKept(subscribers: readonly Received[], fates: Fates): Record<string, number>;
export function judgePlain(subscribers: readonly Received[], fates: Fates): Record<string, number>;
