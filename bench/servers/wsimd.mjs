// Our server, or that of another build whose `entry` is given; started with test/support's way of taking WebAssembly away, it runs on the JavaScript twin.
import { settings } from './control.mjs';
import { serve } from './handlers.mjs';

const { WebSocketServer } = await import(settings.entry ?? '../../dist/index.js');
serve(WebSocketServer, (server, message) => server.broadcast(message, { compress: Boolean(settings.deflate) }));
