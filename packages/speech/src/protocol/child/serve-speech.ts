import { isTalebackError, reportError, TalebackError } from '@taleback/core/errors';
import type { SpeechEngine } from '../../engines/engine.ts';
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

interface Task {
  readonly correlationId: string;
  readonly controller: AbortController;
  ended: Promise<void>;
}

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
  /** Once it is known, nothing is sent or read any more. */
  #exitCode: number | undefined;
  #hasExited = false;

  constructor(service: SpeechService) {
    this.#service = service;
    this.#answers = new Answers(service.output, service.now ?? Date.now);
    this.#loading = this.#load();
    this.#loading.catch(() => {});
  }

  get #isGone(): boolean {
    return this.#exitCode !== undefined;
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
    input.on('data', (chunk: Buffer) => reader.push(chunk));
    // The manager is gone, or wants this child gone: no answer would arrive.
    for (const event of ['end', 'error', 'close']) input.on(event, () => this.#exit());
  }

  async #load(): Promise<SpeechEngine> {
    const { load, log } = this.#service;
    try {
      this.#engine = await load();
    } catch (error) {
      const details = String(error);
      const fault = isTalebackError(error)
        ? error
        : new TalebackError('model_loading_failed', 'The speech engine cannot be loaded.', { details });
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
    const { engine, concurrency, log } = this.#service;
    switch (request.kind) {
      case 'hello': {
        const version = newestCommon(PROTOCOL_VERSIONS, request.versions);
        if (version === undefined) {
          const message = 'This child speaks none of those versions.';
          this.#answers.fail(request.address, new TalebackError('request_invalid', message));
          return;
        }
        const { pid } = process;
        this.#answers.respond(request.address, { type: 'hello', version, engine, concurrency, pid });
        this.#eventVersion = version;
        this.#sendReady();
        return;
      }
      case 'synthesize':
        this.#eventVersion ??= request.address.version;
        this.#start(request.address, (signal) => this.#speak(request.address, request.fields, signal));
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
        for (const { correlationId, controller } of this.#tasks) {
          if (correlationId === request.correlationId) controller.abort();
        }
        return;
      case 'shutdown':
        this.#isLeaving = true;
        this.#leaveWhenDone();
        return;
      case 'invalid':
        log(`a request that cannot be read: ${request.reason}`);
        this.#start(request.address, () => {
          throw new TalebackError('request_invalid', `The request cannot be read: ${request.reason}.`);
        });
        return;
      case 'noise':
        log(`a line that is no request: ${request.reason}`);
    }
  }

  #sendReady(): void {
    const version = this.#eventVersion;
    if (this.#isGone || this.#isReadySent || this.#engine === undefined) return;
    if (version === undefined || version === BARE_VERSION) return;
    this.#isReadySent = true;
    this.#answers.announce(version, { type: 'ready', model: this.#engine.name });
  }

  /** Runs a task that sends its answer; if it throws, the error is the answer. */
  #start(address: Address, run: (signal: AbortSignal) => void | Promise<void>): void {
    const { version, correlationId } = address;
    const task: Task = { correlationId, controller: new AbortController(), ended: Promise.resolve() };
    const before = version === BARE_VERSION ? this.#lastBare : undefined;
    const answer = async (): Promise<void> => {
      // Only if needed: after an await, a later cancel would be read first.
      if (before !== undefined) await before;
      try {
        await run(task.controller.signal);
      } catch (error) {
        if (!this.#isGone) this.#answers.fail(address, error);
      }
      this.#tasks.delete(task);
      if (this.#isLeaving) this.#leaveWhenDone();
    };
    this.#tasks.add(task);
    task.ended = answer();
    if (before !== undefined) this.#lastBare = task.ended;
  }

  async #speak(address: Address, fields: SynthesizeFields, signal: AbortSignal): Promise<void> {
    if (this.#isLeaving) throw cancelled('The speech process is leaving.');
    const engine = this.#engine ?? (await this.#loading);
    if (signal.aborted) throw cancelled('The request was cancelled.');
    const { text, voiceId = engine.voices()[0]?.id ?? '', speed, language, outputPath } = fields;
    const sound = await engine.synthesizeChunk({ text, voiceId, speed, language }, { signal });
    if (this.#isGone) return;
    this.#answers.sound(address, outputPath, sound);
    this.#jobsDone += 1;
  }

  #leaveWhenDone(): void {
    if (this.#tasks.size === 0) this.#leave(0);
  }

  /** Ends the process when everything it wrote has left it. */
  #leave(code: number): void {
    if (this.#isGone) return;
    this.#exitCode = code;
    this.#service.output.flush(() => this.#exit());
  }

  #exit(): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#exitCode ??= 0;
    this.#service.exit(this.#exitCode);
  }
}

const cancelled = (message: string): TalebackError => new TalebackError('job_cancelled', message);
