// `TopicsError` says why a message was not published, from one table of its codes and texts.

/** Each code and its text. */
const TEXTS = {
  WS_ERR_PUBLISH_TIMEOUT: 'The broker has not accepted the message in time',
  WS_ERR_PUBLISH_FULL: 'Too many bytes wait for the broker',
  WS_ERR_PUBLISH_REFUSED: 'The broker has refused the message',
  WS_ERR_PUBLISH_SIZE: 'The message is longer than the broker takes',
  WS_ERR_TOPICS_CLOSED: 'The topics have been closed',
} as const;

export type TopicsErrorCode = keyof typeof TEXTS;

/** The reason why a message was not published. */
export class TopicsError extends Error {
  /** @param mayBeAccepted whether the broker may have accepted the message nevertheless */
  constructor(
    readonly code: TopicsErrorCode,
    readonly mayBeAccepted: boolean,
    detail = '',
    cause?: unknown,
  ) {
    super(detail === '' ? TEXTS[code] : `${TEXTS[code]}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'TopicsError';
  }
}
