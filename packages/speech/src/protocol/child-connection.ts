import { reportError, toTalebackError } from '@taleback/core/errors';
import type { Log } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { ChildCall, SpeechChild, SpeechChildEvents } from '../pool/speech-child.ts';
import { BareSession } from './bare-session.ts';
import type { ChildTransport, OpenTransport } from './child-process.node.ts';
import { EnvelopeSession } from './envelope-session.ts';
import { type Frame, FrameReader } from './frame-reader.ts';
import { parseChildMessage } from './parse-child-message.ts';
import { PendingCalls } from './pending-calls.ts';
import {
  BARE_VERSION,
  type ChildInfo,
  type ChildMessage,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
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

/**
 * One child process: negotiates a version, then hands calls and answers to the session of that version.
 * @see ARCHITECTURE.md
 */
export class ChildConnection implements SpeechChild {
  readonly #options: ChildConnectionOptions;
  readonly #versions: readonly ProtocolVersion[];
  readonly #events: SpeechChildEvents;
  readonly #transport: ChildTransport;
  readonly #calls: PendingCalls;
  readonly #envelopes: EnvelopeSession;
  /** Undefined until a version is agreed on. */
  #session: EnvelopeSession | BareSession | undefined;
  #info: ChildInfo | undefined;
  #helloId: string | undefined;
  #stopNegotiation: () => void = () => {};
  #noiseCount = 0;
  #failure: string | undefined;
  /** A `ready` that came before `hello` was answered. */
  #earlyReady: { readonly model: string | undefined } | undefined;
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
    const { clock, workerId } = options;
    const write = (line: string): void => this.#transport.write(line);
    this.#envelopes = new EnvelopeSession({ clock, workerId, calls: this.#calls, events, write });
    if (!this.#isOver) this.#negotiate();
  }

  get pid(): number | undefined {
    return this.#transport.pid;
  }

  get answersPings(): boolean {
    return this.#session === this.#envelopes;
  }

  speak(call: ChildCall): void {
    if (this.#isOver) return;
    try {
      (this.#session ?? this.#envelopes).speak(call);
    } catch (error) {
      // Not within this call: its caller has only begun to wait.
      const report = reportError(toTalebackError(error));
      this.#options.clock.setTimer(() => this.#calls.fail(call.correlationId, report), 0);
    }
  }

  /** 1.0 has no cancel: a caller who needs the child back kills it. */
  cancel(correlationId: string): void {
    if (this.answersPings) this.#envelopes.request({ type: 'cancel', correlation_id: correlationId });
  }

  ping(): void {
    if (this.answersPings) this.#envelopes.ping();
  }

  leave(): void {
    if (this.answersPings) this.#envelopes.request({ type: 'shutdown' });
    else this.#transport.closeInput();
  }

  kill(): void {
    this.#transport.kill();
  }

  #negotiate(): void {
    const { clock, negotiationTimeoutMs = NEGOTIATION_TIMEOUT_MS } = this.#options;
    if (this.#versions.every((version) => version === BARE_VERSION)) {
      // Not before the constructor has given this object to its owner.
      this.#stopNegotiation = clock.setTimer(() => this.#fallBack({ owesComplaint: false }), 0);
      return;
    }
    this.#helloId = this.#envelopes.request({ type: 'hello', versions: this.#versions });
    this.#stopNegotiation = clock.setTimer(
      () => this.#fallBack({ owesComplaint: true }),
      negotiationTimeoutMs,
    );
  }

  /** Speaks 1.0 from now on. */
  #fallBack(state: { readonly owesComplaint: boolean }): void {
    this.#stopNegotiation();
    this.#session = new BareSession(this.#calls, (line) => this.#transport.write(line), state);
    this.#becomeReady(undefined);
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
    if (message.kind === 'failed') {
      this.#failure ??= message.error.message;
      return true;
    }
    if (this.#session === undefined) return this.#takeFirst(this.#envelopes, message);
    if (message.kind === 'ready') {
      this.#becomeReady(message.model);
      return true;
    }
    // A `hello` that comes late: 1.0 is spoken by now.
    if (message.kind === 'hello') return message.correlationId === this.#helloId;
    return this.#session.take(message);
  }

  #takeFirst(session: EnvelopeSession, message: Exclude<ChildMessage, { kind: 'failed' }>): boolean {
    if (message.kind === 'bare') {
      this.#fallBack({ owesComplaint: message.answer?.ok !== false });
      return true;
    }
    if (message.kind === 'ready') {
      this.#earlyReady = message;
      return true;
    }
    if (message.correlationId !== this.#helloId) return false;
    if (message.kind === 'hello') this.#agree(session, message.info);
    else if (message.kind === 'error') this.#break(`it refused hello: ${message.error.message}`);
    return true;
  }

  #agree(session: EnvelopeSession, info: ChildInfo): void {
    if (!this.#versions.includes(info.version)) {
      this.#break(`it chose version ${info.version}, which was not offered`);
      return;
    }
    this.#info = info;
    if (info.version === BARE_VERSION) {
      this.#fallBack({ owesComplaint: false });
      return;
    }
    this.#stopNegotiation();
    session.version = info.version;
    this.#session = session;
    if (this.#earlyReady !== undefined) this.#becomeReady(this.#earlyReady.model);
  }

  #becomeReady(model: string | undefined): void {
    if (this.#isReady) return;
    this.#isReady = true;
    const protocol = this.#session?.version ?? BARE_VERSION;
    const { concurrency = 1, models = [] } = this.#info ?? {};
    const [onlyModel, ...others] = models;
    this.#events.onReady({
      protocol,
      concurrency: protocol === BARE_VERSION ? 1 : concurrency,
      model: model ?? (others.length === 0 ? onlyModel : undefined),
    });
  }

  #noise(excerpt: string): void {
    this.#noiseCount += 1;
    if (this.#noiseCount > MAX_NOISE_LOGGED) return;
    const { workerId, log } = this.#options;
    log('warn', 'speech child wrote something else', {
      worker: workerId,
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
