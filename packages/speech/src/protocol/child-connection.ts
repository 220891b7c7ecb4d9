import { reportError, toTalebackError } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { ChildCall, SpeechChild, SpeechChildEvents } from '../manager/index.ts';
import type { Log } from '../status/index.ts';
import { BareCalls } from './bare-calls.ts';
import type { ChildTransport, OpenTransport, SoundFiles } from './child-transport.ts';
import { formatBareRequest, formatRequest, synthesizePayload } from './format-request.ts';
import { type Frame, FrameReader } from './frame-reader.ts';
import type { BareAnswer, ChildInfo, ChildMessage, Envelope, SoundFormat } from './messages.ts';
import { parseChildMessage } from './parse-child-message.ts';
import { PendingCalls } from './pending-calls.ts';
import { PROTOCOL_VERSIONS, type ProtocolVersion } from './version.ts';

export interface ChildConnectionOptions {
  readonly workerId: string;
  readonly open: OpenTransport;
  readonly files: SoundFiles;
  /** What is offered, newest first; `['1.0.0']` asks for nothing and speaks 1.0. Default: all. */
  readonly versions?: readonly ProtocolVersion[] | undefined;
  /** A child silent for longer after `hello` is spoken to in 1.0, in milliseconds. Default 5,000. */
  readonly negotiationTimeoutMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const NEGOTIATION_TIMEOUT_MS = 5_000;
const BARE: ProtocolVersion = '1.0.0';
const WAV: SoundFormat = { encoding: 'wav', sampleRateHz: undefined };
/** A child that prints without end must not fill the log. */
const MAX_NOISE_LOGGED = 20;
const EXCERPT_CHARACTERS = 200;

/** One child process, spoken to in the newest version it knows. @see ARCHITECTURE.md */
export class ChildConnection implements SpeechChild {
  readonly #options: ChildConnectionOptions;
  readonly #versions: readonly ProtocolVersion[];
  readonly #events: SpeechChildEvents;
  readonly #transport: ChildTransport;
  readonly #calls: PendingCalls;
  readonly #bareCalls = new BareCalls();
  readonly #pings = new Set<string>();
  #version: ProtocolVersion | undefined;
  #info: ChildInfo | undefined;
  #helloId: string | undefined;
  #stopNegotiation: () => void = () => {};
  #sentCount = 0;
  #noiseCount = 0;
  #failure: string | undefined;
  /** What it said of its readiness before it said hello. */
  #earlyReady: { readonly model: string | undefined } | undefined;
  #isReady = false;
  /** Nothing it says is trusted any more. */
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
    return this.#version !== undefined && this.#version !== BARE;
  }

  speak(call: ChildCall): void {
    if (this.#isOver) return;
    const { correlationId } = call;
    try {
      if (this.#version === BARE) {
        const path = this.#calls.addWithFile(correlationId);
        const line = formatBareRequest(call, path);
        this.#bareCalls.add(correlationId, path);
        this.#transport.write(line);
      } else if (this.#version === '2.0.0') {
        this.#send(synthesizePayload(call, this.#calls.addWithFile(correlationId)), call);
      } else {
        this.#calls.add(correlationId);
        this.#send(synthesizePayload(call, undefined), call);
      }
    } catch (error) {
      // Not within this call: its caller has only begun to wait.
      this.#options.clock.setTimer(
        () => this.#calls.fail(correlationId, reportError(toTalebackError(error))),
        0,
      );
    }
  }

  cancel(correlationId: string): void {
    // 1.0 knows no cancel: whoever needs the child back kills it.
    if (this.answersPings) this.#control({ type: 'cancel', correlation_id: correlationId });
  }

  ping(): void {
    if (this.answersPings) this.#pings.add(this.#control({ type: 'ping' }));
  }

  leave(): void {
    if (this.answersPings) this.#control({ type: 'shutdown' });
    else this.#transport.closeInput();
  }

  kill(): void {
    this.#transport.kill();
  }

  #negotiate(): void {
    const { clock, negotiationTimeoutMs = NEGOTIATION_TIMEOUT_MS } = this.#options;
    if (this.#versions.every((version) => version === BARE)) {
      // Not before the constructor has given this object to its owner.
      this.#stopNegotiation = clock.setTimer(() => this.#speakBare(), 0);
      return;
    }
    this.#helloId = this.#control({ type: 'hello', versions: this.#versions });
    this.#stopNegotiation = clock.setTimer(() => {
      this.#bareCalls.expectComplaint();
      this.#speakBare();
    }, negotiationTimeoutMs);
  }

  #speakBare(): void {
    this.#stopNegotiation();
    this.#version = BARE;
    this.#becomeReady(undefined);
  }

  /** Sends a request that is no call. @returns its correlation id */
  #control(payload: Envelope['payload']): string {
    const correlationId = `${payload.type}-${this.#sentCount + 1}`;
    this.#send(payload, { correlationId, retryCount: 0 });
    return correlationId;
  }

  #send(payload: Envelope['payload'], { correlationId, retryCount }: Omit<ChildCall, 'request'>): void {
    const { clock, workerId } = this.#options;
    this.#sentCount += 1;
    const line = formatRequest({
      version: this.#version ?? PROTOCOL_VERSIONS[0],
      messageId: `msg-${this.#sentCount}`,
      timestamp: Math.trunc(clock.now()),
      correlationId,
      workerId,
      retryCount,
      payload,
    });
    this.#transport.write(line);
  }

  #take(frame: Frame): void {
    if (this.#isBroken || this.#isOver) return;
    const message = parseChildMessage(frame);
    const isUnderstood = message !== undefined && this.#takeMessage(message);
    // Never the whole object: one of a deep nesting cannot even be written down.
    if (!isUnderstood) this.#noise(`an object of ${Object.keys(frame.message).join(', ')}`);
  }

  /** @returns false for what means nothing in the version that is spoken. */
  #takeMessage(message: ChildMessage): boolean {
    if (message.kind === 'failed') {
      this.#failure ??= message.error.message;
      return true;
    }
    if (this.#version === undefined) return this.#takeFirst(message);
    if (message.kind === 'bare') return this.#version === BARE && this.#takeBare(message.answer);
    switch (message.kind) {
      case 'audio':
        this.#calls.answer(message.correlationId, message.sound);
        return true;
      case 'error':
        this.#calls.fail(message.correlationId, message.error);
        return true;
      case 'pong':
        if (this.#pings.delete(message.correlationId)) this.#events.onPulse(message.health);
        return true;
      case 'ready':
        this.#becomeReady(message.model);
        return true;
      default:
        // A hello that comes late: 1.0 is spoken by now.
        return (message satisfies { kind: 'hello' }).correlationId === this.#helloId;
    }
  }

  #takeFirst(message: ChildMessage): boolean {
    if (message.kind === 'bare') {
      if (message.answer?.ok !== false) this.#bareCalls.expectComplaint();
      this.#speakBare();
      return true;
    }
    if (message.kind === 'ready') {
      this.#earlyReady = message;
      return true;
    }
    if (message.kind === 'failed' || message.correlationId !== this.#helloId) return false;
    if (message.kind === 'hello') this.#agree(message.info);
    else if (message.kind === 'error') this.#break(`it refused hello: ${message.error.message}`);
    return true;
  }

  #agree(info: ChildInfo): void {
    if (!this.#versions.includes(info.version)) {
      this.#break(`it chose version ${info.version}, which was not offered`);
      return;
    }
    this.#info = info;
    if (info.version === BARE) {
      this.#speakBare();
      return;
    }
    this.#stopNegotiation();
    this.#version = info.version;
    if (this.#earlyReady !== undefined) this.#becomeReady(this.#earlyReady.model);
  }

  #becomeReady(model: string | undefined): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const protocol = this.#version ?? BARE;
    const { concurrency = 1, models = [] } = this.#info ?? {};
    const [onlyModel, ...others] = models;
    this.#events.onReady({
      protocol,
      concurrency: protocol === BARE ? 1 : concurrency,
      model: model ?? (others.length === 0 ? onlyModel : undefined),
    });
  }

  /** @returns false when it was no answer. */
  #takeBare(answer: BareAnswer | undefined): boolean {
    if (answer === undefined) return false;
    const correlationId = this.#bareCalls.match(answer);
    if (correlationId === undefined) return true;
    if (answer.ok) void this.#calls.answerByFile(correlationId, answer.path, WAV);
    else this.#calls.fail(correlationId, answer.error);
    return true;
  }

  #noise(excerpt: string): void {
    this.#noiseCount += 1;
    if (this.#noiseCount > MAX_NOISE_LOGGED) return;
    const { workerId, log } = this.#options;
    const fields = {
      worker: workerId,
      excerpt: excerpt.slice(0, EXCERPT_CHARACTERS),
      count: this.#noiseCount,
    };
    log('warn', 'speech child wrote something else', fields);
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
    const told = this.#failure === undefined ? cause : `${this.#failure} (${cause})`;
    // The last it said before it left may be in a file that is still being read.
    this.#calls.close(() => this.#events.onEnd(told));
  }
}
