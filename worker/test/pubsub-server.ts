import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { protos } from '@google-cloud/pubsub';

interface Stream extends EventEmitter {
  write(bytes: Buffer): void;
}
type Reply = (fault: object | null, body?: Buffer) => void;
/** As much of it as is used here. */
interface Grpc {
  readonly Server: new () => {
    addService(definition: object, implementation: object): void;
    bindAsync(address: string, credentials: object, done: (error: Error | null, port: number) => void): void;
    forceShutdown(): void;
  };
  readonly ServerCredentials: { createInsecure(): object };
}
/** That of Google's client. */
const grpc = createRequire(createRequire(import.meta.url).resolve('@google-cloud/pubsub'))(
  '@grpc/grpc-js',
) as Grpc;

const UNARY = {
  Subscriber: ['Acknowledge', 'ModifyAckDeadline', 'CreateSubscription'],
  Publisher: ['CreateTopic'],
} as const;
const asItIs = (bytes: Buffer): Buffer => bytes;
const methodOf = (service: string, name: string, isStream = false) => ({
  path: `/google.pubsub.v1.${service}/${name}`,
  requestStream: isStream,
  responseStream: isStream,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
});
const faultOf = (code: number) => ({ code, details: 'User not authorized to perform this action.' });

/** A Pub/Sub that can refuse, which Google's emulator cannot: streams open and jobs are pushed, nothing is kept. */
export const openPubsubServer = async () => {
  /** By method; every other one is accepted. */
  const refused = new Map<string, number>();
  const calls: string[] = [];
  const streams = new Set<Stream>();
  const end = (stream: Stream, code: number): void => {
    streams.delete(stream);
    stream.emit('error', faultOf(code));
  };
  const pull = (stream: Stream): void => {
    calls.push('StreamingPull');
    streams.add(stream);
    stream.on('cancelled', () => streams.delete(stream)).on('data', () => {});
    const code = refused.get('StreamingPull');
    if (code !== undefined) end(stream, code);
  };
  const answer = (name: string) => (_: unknown, reply: Reply) => {
    calls.push(name);
    const code = refused.get(name);
    if (code === undefined) reply(null, Buffer.alloc(0));
    else reply(faultOf(code));
  };
  const server = new grpc.Server();
  for (const [service, names] of Object.entries(UNARY)) {
    server.addService(
      Object.fromEntries(names.map((name) => [name, methodOf(service, name)])),
      Object.fromEntries(names.map((name) => [name, answer(name)])),
    );
  }
  server.addService(
    { StreamingPull: methodOf('Subscriber', 'StreamingPull', true) },
    { StreamingPull: pull },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    host: `127.0.0.1:${port}`,
    /** Names of methods, as they came. */
    calls,
    /** Refuses a method from now on; streams that are open end. */
    refuse: (name: string, code: number): void => {
      refused.set(name, code);
      if (name === 'StreamingPull') for (const stream of streams) end(stream, code);
    },
    accept: (name: string): void => void refused.delete(name),
    /** Sends a job to every open stream. */
    push: (messageId: string, event: unknown, ackId = messageId): void => {
      const message = { messageId, data: Buffer.from(JSON.stringify(event)) };
      const response = { receivedMessages: [{ ackId, message }] };
      const bytes = protos.google.pubsub.v1.StreamingPullResponse.encode(response).finish();
      for (const stream of streams) stream.write(Buffer.from(bytes));
    },
    close: (): void => server.forceShutdown(),
  };
};
