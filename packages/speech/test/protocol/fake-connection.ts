import { EventEmitter, once } from 'node:events';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import type { Log } from '@taleback/core';
import type { ChildReadiness, SpeechChildEvents } from '../../src/pool/speech-child.ts';
import { ChildConnection } from '../../src/protocol/child-connection.ts';
import type {
  ChildTransport,
  ChildTransportEvents,
  OpenTransport,
} from '../../src/protocol/child-process.node.ts';
import type { Envelope, ProtocolVersion } from '../../src/protocol/protocol.ts';
import type { SoundFiles } from '../../src/protocol/sound-files.node.ts';

/** The other end of a connection, by hand: what was written to it, and what it says. For tests. */
export class FakeChild implements ChildTransport {
  readonly pid = 4_321;
  readonly written: string[] = [];
  isInputClosed = false;
  kills = 0;
  #events: ChildTransportEvents | undefined;
  readonly #failure: string | undefined;

  /** @param failure Ends it before it has begun. */
  constructor(failure?: string) {
    this.#failure = failure;
  }

  readonly open: OpenTransport = (events) => {
    this.#events = events;
    if (this.#failure !== undefined) events.onEnd(this.#failure);
    return this;
  };
  write(line: string): void {
    this.written.push(line);
  }
  closeInput(): void {
    this.isInputClosed = true;
  }
  kill(): void {
    this.kills += 1;
  }

  /** What the manager asked for, in its order. */
  get requests(): Record<string, unknown>[] {
    return this.written.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
  /** The last request, taken apart. */
  get asked(): { readonly id: string; readonly payload: Envelope['payload']; readonly version: string } {
    const { metadata, payload, version } = this.requests.at(-1) as unknown as Envelope;
    return { id: metadata?.correlationId ?? '', payload, version };
  }

  say(chunk: string | Uint8Array): void {
    this.#events?.onChunk(Buffer.from(chunk as string));
  }
  sayObject(message: object): void {
    this.say(`${JSON.stringify(message)}\n`);
  }
  respond(correlationId: string, payload: object, version = '2.1.0'): void {
    this.sayObject({ version, type: 'response', payload, metadata: { correlationId } });
  }
  announce(payload: object): void {
    this.sayObject({ version: '2.1.0', type: 'event', payload });
  }
  respondRaw(correlationId: string, raw: Uint8Array, payload: object = {}): void {
    this.say(rawFrame(correlationId, raw, payload));
  }
  hello(payload: object = {}): void {
    this.respond(this.asked.id, {
      type: 'hello',
      version: '2.1.0',
      engine: 'fake',
      concurrency: 4,
      ...payload,
    });
  }
  end(cause = 'exit code 0'): void {
    this.#events?.onEnd(cause);
  }
}

/** An `audio` response of 2.1. */
export const rawFrame = (correlationId: string, raw: Uint8Array, payload: object = {}): Buffer => {
  const message = {
    version: '2.1.0',
    type: 'response',
    payload: { type: 'audio', encoding: 'pcm_s16le', sample_rate: 16_000, ...payload },
    metadata: { correlationId },
    byteLength: raw.length,
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(message)}\n`), raw, Buffer.from('\n')]);
};

/** Sound files in memory. */
export class FakeFiles implements SoundFiles {
  readonly contents = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly removed: string[] = [];
  #gate: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** Holds every reading until what it returns is called. */
  hold(): () => void {
    const gate = new EventEmitter();
    this.#gate = once(gate, 'open');
    return () => void gate.emit('open');
  }

  newPath(): string {
    this.#count += 1;
    return `/sounds/${this.#count}.wav`;
  }
  async take(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = this.contents.get(path);
    this.discard(path);
    await this.#gate;
    if (bytes === undefined) throw new Error(`ENOENT: ${path}`);
    return bytes;
  }
  discard(path: string): void {
    this.contents.delete(path);
    this.removed.push(path);
  }
  /** Paths that were given out and not removed. */
  get left(): string[] {
    const given = Array.from({ length: this.#count }, (_, index) => `/sounds/${index + 1}.wav`);
    return given.filter((path) => !this.removed.includes(path));
  }
}

export type Reported =
  | readonly ['ready', ChildReadiness]
  | readonly ['spoken', string, readonly number[]]
  | readonly ['failed', string, string, string]
  | readonly ['pulse', number | undefined]
  | readonly ['end', string];

/** What a connection reported, in short and in order. */
const recordEvents = (): { readonly events: SpeechChildEvents; readonly reported: Reported[] } => {
  const reported: Reported[] = [];
  const events: SpeechChildEvents = {
    onReady: (readiness) => reported.push(['ready', readiness]),
    onSpoken: (id, { sampleRateHz, samples }) => reported.push(['spoken', id, [sampleRateHz, ...samples]]),
    onFailed: (id, { code, message }) => reported.push(['failed', id, code, message]),
    onPulse: ({ rssBytes }) => reported.push(['pulse', rssBytes]),
    onEnd: (cause) => reported.push(['end', cause]),
  };
  return { events, reported };
};

export interface FakeConnection {
  readonly connection: ChildConnection;
  readonly child: FakeChild;
  readonly files: FakeFiles;
  readonly clock: FakeClock;
  readonly reported: Reported[];
  /** The fields of what was logged. */
  readonly logged: Record<string, unknown>[];
}

/** A connection with nothing real around it. */
export const startFake = (versions?: readonly ProtocolVersion[], child = new FakeChild()): FakeConnection => {
  const files = new FakeFiles();
  const clock = createFakeClock(1_640_995_200_000.25);
  const logged: Record<string, unknown>[] = [];
  const log: Log = (_severity, _message, fields) => void logged.push(fields ?? {});
  const { events, reported } = recordEvents();
  const options = { workerId: 'worker-1', open: child.open, files, versions, clock, log };
  return { connection: new ChildConnection(options, events), child, files, clock, reported, logged };
};
