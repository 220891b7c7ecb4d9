import { reportError, toTalebackError } from '@taleback/core/errors';
import type { Log } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { ChildCall, SpeechChild, SpeechChildEvents } from '../pool/speech-child.ts';
import type { ChildTransport, OpenTransport } from './child-process.node.ts';
import { type Frame, FrameReader } from './frame-reader.ts';
import { formatLine, parseChildMessage, synthesizePayload } from './messages.ts';
import { PendingCalls } from './pending-calls.ts';
import {
  BARE_VERSION,
  type ChildInfo,
  type ChildMessage,
  type Envelope,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  RAW_VERSION,
} from './protocol.ts';
import type { SoundFiles } from './sound-files.node.ts';

export interface ChildConnectionOptions {
  readonly workerId: string;
  readonly open: OpenTransport;
  readonly files: SoundFiles;
  /** What is offered, newest first; `['1.0.0']` skips the negotiation. Default: all. */
  readonly versions?: readonly ProtocolVersion[] | undefined;
  /** A child that has not answered `hello` by then is spoken to in 1.0. Default 5,000. */
  readonly negotiationTimeoutMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

type Message = Exclude<ChildMessage, { kind: 'failed' }>;

const NEGOTIATION_TIMEOUT_MS = 5_000;
/** A child that prints without end must not fill the log. */
const MAX_NOISE_LOGGED = 20;
const EXCERPT_CHARACTERS = 200;

/** One child process: negotiates a version, then speaks it. @see ARCHITECTURE.md */
export class ChildConnection implements SpeechChild {
  readonly #options: ChildConnectionOptions;
  readonly #versions: readonly ProtocolVersion[];
  readonly #events: SpeechChildEvents;
  readonly #transport: ChildTransport;
  readonly #calls: PendingCalls;
  /** Undefined until one is agreed on. */
  #version: ProtocolVersion | undefined;
  #info: ChildInfo | undefined;
  #helloId: string | undefined;
  #stopNegotiation: () => void = () => {};
  /** A `ready` that came before `hello` was answered. */
  #earlyReady: { readonly model: string | undefined } | undefined;
  readonly #pings = new Set<string>();
  #sentCount = 0;
  #noiseCount = 0;
  #failure: string | undefined;
  #isReady = false;
  /** It broke the protocol, so nothing it sends is trusted. */
  #isBroken = false;
  #isOver = false;

  constructor(options: ChildConnectionOptions, events: SpeechChildEvents) {
    this.#options = options;
    this.#versions = options.versions ?? PROTOCOL_VERSIONS;
    this.#events = events;
    this.#calls = new PendingCalls(options.files, events);
    const reader = new FrameReader({
      onFrame: (frame) => this.#take(frame),
      onNoise: (excerpt) => this.#noise(excerpt),
      onBroken: (reason) => this.#break(reason),
    });
    this.#transport = options.open({
      onChunk: (chunk) => reader.push(chunk),
      onEnd: (cause) => this.#end(cause),
    });
    if (!this.#isOver) this.#negotiate();
  }

  get pid(): number | undefined {
    return this.#transport.pid;
  }

  get answersPings(): boolean {
    return this.#version !== undefined && this.#version !== BARE_VERSION;
  }

  speak(call: ChildCall): void {
    if (this.#isOver) return;
    const { correlationId, request } = call;
    const path = this.#version === RAW_VERSION ? undefined : this.#options.files.newPath();
    const payload = synthesizePayload(request, path);
    this.#calls.add(correlationId, path);
    try {
      // With `options`, although the first children of 1.0 did not know them: a cloned voice depends on them.
      if (this.#version === BARE_VERSION) this.#write({ ...payload, priority: undefined });
      else this.#send(payload, call);
    } catch (error) {
      // Not within this call: its caller has only begun to wait.
      const report = reportError(toTalebackError(error));
      this.#options.clock.setTimer(() => this.#calls.fail(correlationId, report), 0);
    }
  }

  /** 1.0 has no cancel: a caller who needs the child back kills it. */
  cancel(correlationId: string): void {
    if (this.answersPings) this.#request({ type: 'cancel', correlation_id: correlationId });
  }

  ping(): void {
    if (this.answersPings) this.#pings.add(this.#request({ type: 'ping' }));
  }

  leave(): void {
    if (this.answersPings) this.#request({ type: 'shutdown' });
    else this.#transport.closeInput();
  }

  kill(): void {
    this.#transport.kill();
  }

  /** Sends a request that is no call. @returns its correlation id */
  #request(payload: Envelope['payload']): string {
    const correlationId = `${payload.type}-${this.#sentCount + 1}`;
    this.#send(payload, { correlationId, retryCount: 0 });
    return correlationId;
  }

  /** @throws TalebackError as `formatLine` does; nothing was sent then. */
  #send(payload: Envelope['payload'], call: Omit<ChildCall, 'request'>): void {
    const { clock, workerId } = this.#options;
    const { correlationId, retryCount } = call;
    this.#sentCount += 1;
    const messageId = `msg-${this.#sentCount}`;
    const timestamp = Math.trunc(clock.now());
    // The newest until the child has chosen.
    const version = this.#version ?? PROTOCOL_VERSIONS[0];
    const metadata = { correlationId, workerId, retryCount };
    this.#write({ version, messageId, timestamp, type: 'request', payload, metadata });
  }

  #write(message: object): void {
    this.#transport.write(formatLine(message));
  }

  #negotiate(): void {
    const { clock, negotiationTimeoutMs = NEGOTIATION_TIMEOUT_MS } = this.#options;
    const isOld = this.#versions.every((version) => version === BARE_VERSION);
    if (!isOld) this.#helloId = this.#request({ type: 'hello', versions: this.#versions });
    // Never before the constructor has given this object to its owner.
    const timeoutMs = isOld ? 0 : negotiationTimeoutMs;
    this.#stopNegotiation = clock.setTimer(() => {
      this.#calls.owesComplaint = !isOld;
      this.#agree(BARE_VERSION);
    }, timeoutMs);
  }

  #take(frame: Frame): void {
    if (this.#isBroken || this.#isOver) return;
    const message = parseChildMessage(frame);
    if (message?.kind === 'failed') {
      this.#failure ??= message.error.message;
      return;
    }
    const isUnderstood = message !== undefined && this.#takeMessage(message);
    // Never the whole object: a deeply nested one cannot even be formatted.
    if (!isUnderstood) this.#noise(`an object of ${Object.keys(frame.message).join(', ')}`);
  }

  /** @returns false for a message that means nothing while a version is being agreed on. */
  #takeFirst(message: Message): boolean {
    if (message.kind === 'bare') {
      this.#calls.owesComplaint = message.answer?.ok !== false;
      this.#agree(BARE_VERSION);
    } else if (message.kind === 'ready') {
      this.#earlyReady = message;
    } else if (message.correlationId !== this.#helloId) {
      return false;
    } else if (message.kind === 'error') {
      this.#break(`it refused hello: ${message.error.message}`);
    } else if (message.kind === 'hello') {
      this.#info = message.info;
      const { version } = message.info;
      if (this.#versions.includes(version)) this.#agree(version);
      else this.#break(`it chose version ${version}, which was not offered`);
    }
    return true;
  }

  /** @returns false for a message that means nothing in the version that is spoken. */
  #takeMessage(message: Message): boolean {
    if (this.#version === undefined) return this.#takeFirst(message);
    if (message.kind === 'ready') {
      this.#becomeReady(message.model);
      return true;
    }
    // A `hello` that comes late: 1.0 is spoken by now.
    if (message.kind === 'hello') return message.correlationId === this.#helloId;
    if (message.kind === 'bare') {
      if (this.answersPings || message.answer === undefined) return false;
      this.#calls.answerBare(message.answer);
      return true;
    }
    if (!this.answersPings) return false;
    const { correlationId } = message;
    if (message.kind === 'audio') this.#calls.answer(correlationId, message.sound);
    else if (message.kind === 'error') this.#calls.fail(correlationId, message.error);
    else if (this.#pings.delete(correlationId)) this.#events.onPulse(message.health);
    return true;
  }

  /** Speaks this version from now on. A child of 1.0 never says that it is ready. */
  #agree(version: ProtocolVersion): void {
    this.#stopNegotiation();
    this.#version = version;
    if (version === BARE_VERSION) this.#becomeReady(undefined);
    else if (this.#earlyReady !== undefined) this.#becomeReady(this.#earlyReady.model);
  }

  #becomeReady(model: string | undefined): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const { concurrency = 1, models = [] } = this.#info ?? {};
    const onlyModel = models.length === 1 ? models[0] : undefined;
    this.#events.onReady({
      protocol: this.#version ?? BARE_VERSION,
      concurrency: this.answersPings ? concurrency : 1,
      model: model ?? onlyModel,
    });
  }

  #noise(excerpt: string): void {
    this.#noiseCount += 1;
    if (this.#noiseCount > MAX_NOISE_LOGGED) return;
    this.#options.log('warn', 'speech child wrote something else', {
      worker: this.#options.workerId,
      excerpt: excerpt.slice(0, EXCERPT_CHARACTERS),
      count: this.#noiseCount,
    });
  }

  #break(reason: string): void {
    this.#isBroken = true;
    this.#stopNegotiation();
    this.#failure ??= `broke the protocol: ${reason}`;
    this.#transport.kill();
  }

  #end(cause: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopNegotiation();
    const fullCause = this.#failure === undefined ? cause : `${this.#failure} (${cause})`;
    // Its last answer may be in a file that is still being read.
    this.#calls.close(() => this.#events.onEnd(fullCause));
  }
}
