// `HubKind` tells the frames between a hub of topics and its processes apart.

export enum HubKind {
  Subscribe = 1,
  Unsubscribe = 2,
  Publish = 3,
  Read = 4,
  /** Answered with an empty reply, after everything that was sent before. */
  Pulse = 5,
  Reply = 6,
  Entry = 7,
}
