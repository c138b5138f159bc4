// A server of ours is taken where released packages declare the one of @types/ws.
import { useServer } from 'graphql-ws/use/ws';
import { initTRPC } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import type { GraphQLSchema } from 'graphql';
import { WebSocketServer } from 'wsimd';

declare const schema: GraphQLSchema;
const server = new WebSocketServer({ noServer: true, text: 'string', perMessageDeflate: 'shared' });
useServer({ schema }, server);
const { router } = initTRPC.create();
applyWSSHandler({ wss: server, router: router({}), createContext: () => ({}) });
