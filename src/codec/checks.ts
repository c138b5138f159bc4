// `checkRole` refuses a value that is no role; beside it, the checks of options, of RSV bits and of limits.
import { checkMethod, checkObject, refuse, UsageError } from '../errors/usage-error.js';
import { Role, RSV_BITS } from '../spec/frame.js';
import type { Traffic } from './statistics.js';

/** Throws UsageError unless `options` are an object. */
export function checkOptions(options: object): void {
  checkObject('Options are', options);
}

/** As `checkOptions`, for the kernels, values and traffic in them too, where they are given. */
export function checkCodecOptions(options: {
  kernels?: object | undefined;
  values?: object | undefined;
  traffic?: Partial<Traffic> | null | undefined;
}): void {
  checkOptions(options);
  const { traffic } = options;
  if (traffic !== undefined && !Array.isArray(traffic?.frames)) {
    refuse('Traffic is one direction of newStatistics()', traffic);
  }
  if (options.kernels !== undefined) checkMethod('Kernels are', options.kernels, 'scanFrames');
  if (options.values !== undefined) checkMethod('Values are', options.values, 'allocate');
}

/** Throws UsageError unless `role` is Role.Client or Role.Server. */
export function checkRole(role: Role): void {
  if (role !== Role.Client && role !== Role.Server) refuse('The role is Role.Client or Role.Server', role);
}

/** Throws UsageError where `rsv` has bits other than RSV1, RSV2 and RSV3, in their places on the wire. */
export function checkRsv(rsv: number): void {
  if (typeof rsv !== 'number' || (rsv & RSV_BITS) !== rsv) throw new UsageError('RSV bits are in the places of 0x70');
}

/** A limit of the option `name`, 0 for none. Throws UsageError where it is no number, or below 0. */
export function toLimit(name: string, limit: number): number {
  if (typeof limit !== 'number' || !(limit >= 0))
    throw new UsageError(`${name} is 0, for no limit, or a number above it`);
  return limit;
}
