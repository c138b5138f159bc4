// The types of `import ... from 'wsimd'`: those of index.d.cts, by name.
import WebSocket from './index.cjs';

export default WebSocket;
export { WebSocket };

export import createWebSocketStream = WebSocket.createWebSocketStream;
export import extension = WebSocket.extension;
export import PerMessageDeflate = WebSocket.PerMessageDeflate;
export import Receiver = WebSocket.Receiver;
export import Sender = WebSocket.Sender;
export import subprotocol = WebSocket.subprotocol;
export import WebSocketServer = WebSocket.WebSocketServer;

export import AddressInfo = WebSocket.AddressInfo;
export import BroadcastOptions = WebSocket.BroadcastOptions;
export import CertMeta = WebSocket.CertMeta;
export import ClientOptions = WebSocket.ClientOptions;
export import CloseEvent = WebSocket.CloseEvent;
export import CloseInfo = WebSocket.CloseInfo;
export import Data = WebSocket.Data;
export import ErrorEvent = WebSocket.ErrorEvent;
export import Event = WebSocket.Event;
export import EventListenerOptions = WebSocket.EventListenerOptions;
export import FinishRequestCallback = WebSocket.FinishRequestCallback;
export import Heartbeat = WebSocket.Heartbeat;
export import KeptDeflateOptions = WebSocket.KeptDeflateOptions;
export import KeptOptions = WebSocket.KeptOptions;
export import MessageEvent = WebSocket.MessageEvent;
export import MessageOptions = WebSocket.MessageOptions;
export import PerMessageDeflateOptions = WebSocket.PerMessageDeflateOptions;
export import RawData = WebSocket.RawData;
export import Sendable = WebSocket.Sendable;
export import ServerEvents = WebSocket.ServerEvents;
export import ServerOptions = WebSocket.ServerOptions;
export import SharedOptions = WebSocket.SharedOptions;
export import Statistics = WebSocket.Statistics;
export import VerifyClientCallbackAsync = WebSocket.VerifyClientCallbackAsync;
export import VerifyClientCallbackSync = WebSocket.VerifyClientCallbackSync;
export import WebSocketEventMap = WebSocket.WebSocketEventMap;
export import WebSocketEvents = WebSocket.WebSocketEvents;
