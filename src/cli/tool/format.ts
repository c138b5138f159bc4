// `checkFormat` checks a template, and `formatted` fills it with the facts of a connection, as `curl -w` does.
import { CommandError } from '../command-error.js';

/** The facts, by their names in templates; times are in seconds. */
export interface Facts {
  readonly url: string;
  /** The status of the response to the opening request. */
  readonly status: number;
  readonly http_version: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly close_code: number;
  readonly close_reason: string;
  /** The times from the beginning to the opening of the connection, to its first message, and to its end. */
  readonly time_open: number;
  readonly time_first: number;
  readonly time_total: number;
  readonly messages_sent: number;
  readonly messages_received: number;
  /** The bytes of payloads. */
  readonly bytes_sent: number;
  readonly bytes_received: number;
}

/** The meaning of each name, for --help. */
export const FORMAT_NAMES: Readonly<Record<keyof Facts, string>> = {
  url: 'the URL, after redirects',
  status: "the status of the server's answer",
  http_version: '1.1 or 2',
  protocol: 'the subprotocol',
  extensions: 'the extensions agreed on',
  close_code: 'the code that the connection closed with',
  close_reason: 'the reason that came with it',
  time_open: 'seconds until the connection was open',
  time_first: 'seconds until the first message came, 0 without one',
  time_total: 'seconds until it had closed',
  messages_sent: 'messages sent',
  messages_received: 'messages received',
  bytes_sent: 'bytes of payload sent, control frames counted',
  bytes_received: 'bytes of payload received, control frames counted',
};

const PART = /%\{([^{}]*)\}|%%|\\[nrt\\]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\\\': '\\', '%%': '%' };
const TIME_DIGITS = 6;

/** @throws CommandError for an unknown name, and one that is not closed */
export function checkFormat(template: string): void {
  for (const [, name] of template.matchAll(PART)) {
    if (name === undefined || name === 'json' || Object.hasOwn(FORMAT_NAMES, name)) continue;
    throw new CommandError(`--format knows no %{${name}}. There are: ${Object.keys(FORMAT_NAMES).join(', ')}, json.`);
  }
  const [open] = /%\{\w*/.exec(template.replaceAll(PART, ' ')) ?? [];
  if (open !== undefined) throw new CommandError(`--format has no } after ${open}; %%{ stands for %{ itself.`);
}

/** Returns the template with the facts in it. */
export function formatted(template: string, facts: Facts): string {
  return template.replaceAll(PART, (part, name?: string) => {
    if (name === undefined) return ESCAPES[part];
    if (name === 'json') return JSON.stringify(facts);
    const value = facts[name as keyof Facts];
    return name.startsWith('time_') ? Number(value).toFixed(TIME_DIGITS) : String(value);
  });
}
