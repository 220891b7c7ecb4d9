export { RemoteLine, type RemoteLineOptions } from './remote-line.ts';
