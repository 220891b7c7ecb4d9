export { ChildConnection, type ChildConnectionOptions } from './child-connection.ts';
export type { ChildTransport, ChildTransportEvents, OpenTransport, SoundFiles } from './child-transport.ts';
export { type Frame, type FrameEvents, FrameReader } from './frame-reader.ts';
export { MAX_LINE_BYTES, MAX_RAW_BYTES } from './limits.ts';
export type { ChildInfo, ChildMessage, Envelope } from './messages.ts';
export { isProtocolVersion, newestCommon, PROTOCOL_VERSIONS, type ProtocolVersion } from './version.ts';
