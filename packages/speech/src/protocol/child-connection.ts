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
  type BareAnswer,
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
  /** A `ready`, which may come before `hello` is answered. */
  #ready: { readonly model: string | undefined } | undefined;
  #isReadyReported = false;
  readonly #pings = new Set<string>();
  #sentCount = 0;
  #noiseCount = 0;
  #failure: string | undefined;
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
      if (this.#version === BARE_VERSION)
        this.#transport.write(formatLine({ ...payload, priority: undefined }));
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
    const line = formatLine({
      // The newest until the child has chosen.
      version: this.#version ?? PROTOCOL_VERSIONS[0],
      messageId: `msg-${this.#sentCount}`,
      timestamp: Math.trunc(clock.now()),
      type: 'request',
      payload,
      metadata: { correlationId, workerId, retryCount },
    });
    this.#transport.write(line);
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
    const isUnderstood = message !== undefined && this.#takeMessage(message);
    // Never the whole object: a deeply nested one cannot even be formatted.
    if (!isUnderstood) this.#noise(`an object of ${Object.keys(frame.message).join(', ')}`);
  }

  /** @returns false for a message that means nothing in the version that is spoken. */
  #takeMessage(message: ChildMessage): boolean {
    switch (message.kind) {
      case 'failed':
        this.#failure ??= message.error.message;
        return true;
      case 'ready':
        this.#ready ??= message;
        this.#reportReady();
        return true;
      case 'bare':
        return this.#takeBare(message.answer);
      case 'hello':
        if (message.correlationId !== this.#helloId) return false;
        // Else it comes late: 1.0 is spoken by now.
        if (this.#version === undefined) this.#takeHello(message.info);
        return true;
      case 'error':
        if (this.answersPings) this.#calls.fail(message.correlationId, message.error);
        else if (this.#version !== undefined || message.correlationId !== this.#helloId) return false;
        else this.#break(`it refused hello: ${message.error.message}`);
        return true;
      case 'audio':
        if (this.answersPings) this.#calls.answer(message.correlationId, message.sound);
        return this.answersPings;
      case 'file':
        if (this.answersPings) void this.#calls.answerByFile(message.correlationId, message);
        return this.answersPings;
      case 'pong':
        if (this.#pings.delete(message.correlationId)) this.#events.onPulse(message.health);
        return this.answersPings;
      default:
        return message satisfies never;
    }
  }

  #takeBare(answer: BareAnswer | undefined): boolean {
    if (this.#version === undefined) {
      this.#calls.owesComplaint = answer?.ok !== false;
      this.#agree(BARE_VERSION);
      return true;
    }
    if (this.answersPings || answer === undefined) return false;
    this.#calls.answerBare(answer);
    return true;
  }

  #takeHello(info: ChildInfo): void {
    this.#info = info;
    if (this.#versions.includes(info.version)) this.#agree(info.version);
    else this.#break(`it chose version ${info.version}, which was not offered`);
  }

  /** Speaks this version from now on. A child of 1.0 never says that it is ready. */
  #agree(version: ProtocolVersion): void {
    this.#stopNegotiation();
    this.#version = version;
    if (version === BARE_VERSION) this.#ready = { model: undefined };
    this.#reportReady();
  }

  #reportReady(): void {
    if (this.#version === undefined || this.#ready === undefined || this.#isReadyReported) return;
    this.#isReadyReported = true;
    const { concurrency = 1, models = [] } = this.#info ?? {};
    const onlyModel = models.length === 1 ? models[0] : undefined;
    this.#events.onReady({
      protocol: this.#version,
      concurrency: this.answersPings ? concurrency : 1,
      model: this.#ready.model ?? onlyModel,
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
