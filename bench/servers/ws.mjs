// The server of `ws`, with bufferutil unless WS_NO_BUFFER_UTIL is set.
import { WebSocketServer } from 'ws';
import { serve } from './handlers.mjs';

serve(WebSocketServer);
