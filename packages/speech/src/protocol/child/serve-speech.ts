import { isTalebackError, reportError, TalebackError } from '@taleback/core/errors';
import type { SpeechEngine, SynthesisOptions } from '../../engines/engine.ts';
import { FrameReader } from '../frame-reader.ts';
import {
  type Address,
  BARE_VERSION,
  newestCommon,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  type SynthesizeFields,
} from '../protocol.ts';
import { Answers, cutTexts, type ProtocolOutput } from './answers.node.ts';
import { parseRequest, type ParsedRequest } from './parse-request.ts';

export interface SpeechService {
  /** The engine's name, known before it is loaded. */
  readonly engine: string;
  /** The engine, when its model is loaded. A rejection ends the child. */
  readonly load: () => Promise<SpeechEngine>;
  /** Requests taken at once. */
  readonly concurrency: number;
  readonly input: NodeJS.ReadableStream;
  readonly output: ProtocolOutput;
  /** Ends the process. Called once. */
  readonly exit: (code: number) => void;
  readonly log: (line: string) => void;
  /** Unix milliseconds. Default: the system's. */
  readonly now?: () => number;
}

/** Whether a task is to stop. Its signal is made when it is read: most tasks end before that. */
export class Cancellation implements SynthesisOptions {
  isCancelled = false;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isCancelled) this.#controller.abort();
    return this.#controller.signal;
  }

  cancel(): void {
    this.isCancelled = true;
    this.#controller?.abort();
  }
}

interface Task {
  readonly correlationId: string;
  readonly cancellation: Cancellation;
  ended: Promise<void>;
}

/**
 * The child's side of the protocol, around one engine. @see ../ARCHITECTURE.md
 *
 * @example
 * // Not run: it is the entry of a child process.
 * serveSpeech({ engine: 'flite', load: loadFlite, concurrency: 1, input: process.stdin, output: ownStdout(), exit, log });
 */
export const serveSpeech = (service: SpeechService): void => {
  new SpeechServer(service).listen(service.input);
};

class SpeechServer {
  readonly #service: SpeechService;
  readonly #answers: Answers;
  readonly #loading: Promise<SpeechEngine>;
  readonly #tasks = new Set<Task>();
  /** Requests of 1.0 are answered in their order. */
  #lastBare: Promise<void> = Promise.resolve();
  /** The version of events; absent until the manager has shown which it speaks. */
  #eventVersion: ProtocolVersion | undefined;
  #engine: SpeechEngine | undefined;
  #jobsDone = 0;
  #isReadySent = false;
  #isLeaving = false;
  #exitCode: number | undefined;
  /** Nothing is sent or read any more. */
  #isGone = false;
  #hasExited = false;

  constructor(service: SpeechService) {
    const { output, now = Date.now } = service;
    this.#service = service;
    this.#answers = new Answers(output, now);
    this.#loading = this.#load();
    this.#loading.catch(() => {});
  }

  listen(input: NodeJS.ReadableStream): void {
    const { log } = this.#service;
    const reader = new FrameReader({
      onFrame: ({ message }) => {
        if (!this.#isGone) this.#take(parseRequest(message));
      },
      onNoise: (excerpt) => log(`a line that is no request: ${excerpt}`),
      onBroken: (reason) => {
        log(`the input is broken: ${reason}`);
        this.#leave(1);
      },
    });
    // The manager is gone, or wants this child gone: no answer would arrive.
    const goNow = (): void => this.#exit(this.#exitCode ?? 0);
    input.on('data', (chunk: Buffer) => reader.push(chunk));
    input.on('end', goNow);
    input.on('error', goNow);
    input.on('close', goNow);
  }

  async #load(): Promise<SpeechEngine> {
    const { load, log } = this.#service;
    try {
      this.#engine = await load();
    } catch (error) {
      const fault = isTalebackError(error)
        ? error
        : new TalebackError('model_loading_failed', 'The speech engine cannot be loaded.', {
            details: String(error),
          });
      log(`${fault.message} ${fault.details ?? ''}`);
      void this.#giveUp(fault);
      throw fault;
    }
    this.#sendReady();
    return this.#engine;
  }

  /** Reports that this child will never speak, after the requests under way were answered. */
  async #giveUp(fault: TalebackError): Promise<void> {
    await Promise.all([...this.#tasks].map((task) => task.ended));
    if (this.#isGone) return;
    // Also to a manager that has not spoken yet: nothing else says why this child ends.
    const version = this.#eventVersion ?? PROTOCOL_VERSIONS[0];
    if (version !== BARE_VERSION)
      this.#answers.announce(version, { type: 'failed', ...cutTexts(reportError(fault)) });
    this.#leave(1);
  }

  #take(request: ParsedRequest): void {
    switch (request.kind) {
      case 'hello':
        this.#hello(request.address, request.versions);
        return;
      case 'synthesize':
        this.#eventVersion ??= request.address.version;
        this.#start(request.address, (cancellation) => this.#speak(request, cancellation));
        return;
      case 'ping':
        this.#answers.respond(request.address, {
          type: 'pong',
          rss_bytes: process.memoryUsage.rss(),
          jobs_done: this.#jobsDone,
          model: this.#engine?.name,
        });
        return;
      case 'cancel':
        for (const { correlationId, cancellation } of this.#tasks) {
          if (correlationId === request.correlationId) cancellation.cancel();
        }
        return;
      case 'shutdown':
        this.#isLeaving = true;
        if (this.#tasks.size === 0) this.#leave(0);
        return;
      case 'invalid':
        this.#service.log(`a request that cannot be read: ${request.reason}`);
        this.#start(request.address, () => {
          throw new TalebackError('request_invalid', `The request cannot be read: ${request.reason}.`);
        });
        return;
      case 'noise':
        this.#service.log(`a line that is no request: ${request.reason}`);
    }
  }

  #hello(address: Address, theirs: readonly unknown[]): void {
    const { engine, concurrency } = this.#service;
    const version = newestCommon(PROTOCOL_VERSIONS, theirs) ?? BARE_VERSION;
    this.#answers.respond(address, { type: 'hello', version, engine, concurrency, pid: process.pid });
    this.#eventVersion = version;
    if (this.#engine !== undefined) this.#sendReady();
  }

  #sendReady(): void {
    const version = this.#eventVersion;
    if (this.#isGone || this.#isReadySent || version === undefined || version === BARE_VERSION) return;
    this.#isReadySent = true;
    this.#answers.announce(version, { type: 'ready', model: this.#engine?.name });
  }

  /** Runs a task that sends its answer; if it throws, the error is the answer. */
  #start(address: Address, run: (cancellation: Cancellation) => void | Promise<void>): void {
    const cancellation = new Cancellation();
    const before = address.version === BARE_VERSION ? this.#lastBare : undefined;
    const answer = async (): Promise<void> => {
      // Only if needed: after an await, a later cancel would be read first.
      if (before !== undefined) await before;
      try {
        await run(cancellation);
      } catch (error) {
        if (!this.#isGone) this.#answers.fail(address, error);
      }
    };
    const task: Task = { correlationId: address.correlationId, cancellation, ended: Promise.resolve() };
    this.#tasks.add(task);
    task.ended = this.#finish(task, answer());
    if (before !== undefined) this.#lastBare = task.ended;
  }

  async #finish(task: Task, answered: Promise<void>): Promise<void> {
    await answered;
    this.#tasks.delete(task);
    if (this.#isLeaving && this.#tasks.size === 0) this.#leave(0);
  }

  async #speak(
    { address, fields }: { readonly address: Address; readonly fields: SynthesizeFields },
    cancellation: Cancellation,
  ): Promise<void> {
    if (this.#isLeaving) throw cancelled('The speech process is leaving.');
    const engine = this.#engine ?? (await this.#loading);
    if (cancellation.isCancelled) throw cancelled('The request was cancelled.');
    const { text, voiceId = engine.voices()[0]?.id ?? '', speed } = fields;
    const sound = await engine.synthesizeChunk({ text, voiceId, speed }, cancellation);
    if (this.#isGone) return;
    this.#answers.sound(address, fields.outputPath, sound);
    this.#jobsDone += 1;
  }

  /** Ends the process when everything it wrote has left it. */
  #leave(code: number): void {
    if (this.#exitCode !== undefined) return;
    this.#exitCode = code;
    this.#isGone = true;
    this.#service.output.flush(() => this.#exit(code));
  }

  #exit(code: number): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#isGone = true;
    this.#service.exit(code);
  }
}

const cancelled = (message: string): TalebackError => new TalebackError('job_cancelled', message);
