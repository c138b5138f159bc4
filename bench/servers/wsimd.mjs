// Our server; started with test/support's way of taking WebAssembly away, it runs on the JavaScript twin.
import { WebSocketServer } from '../../dist/index.js';
import { settings } from './control.mjs';
import { serve } from './handlers.mjs';

serve(WebSocketServer, (server, message) => server.broadcast(message, { compress: Boolean(settings.deflate) }));
