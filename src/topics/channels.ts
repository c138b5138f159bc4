// `channels` are the diagnostics channels of topics, for tools that trace.
import { channel, type Channel } from 'node:diagnostics_channel';

export const channels: Readonly<Record<'publish' | 'deliver' | 'subscribe' | 'broker' | 'gap', Channel>> = {
  publish: channel('wsimd:topics:publish'),
  deliver: channel('wsimd:topics:deliver'),
  subscribe: channel('wsimd:topics:subscribe'),
  broker: channel('wsimd:topics:broker'),
  gap: channel('wsimd:topics:gap'),
};
