// `wsimd/topics` provides publish and subscribe for WebSockets: `Topics`, and the interface of brokers.
export type { Broker, BrokerListener, HistoryLimits, Recovery } from './broker.js';
export { TopicsError, type TopicsErrorCode } from './errors.js';
export type { SlowOptions, TopicSocket } from './member.js';
export type { PublishOptions, TopicData, TopicMessage, TopicsOptions, TopicsStatistics } from './options.js';
export type { Place } from './position.js';
export type { SubscribeResult } from './topic.js';
export { Topics } from './topics.js';
