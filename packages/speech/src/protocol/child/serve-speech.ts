import { isTalebackError, reportError, TalebackError } from '@taleback/core';
import type { SpeechEngine } from '../../engines/index.ts';
import { FrameReader, newestCommon, PROTOCOL_VERSIONS, type ProtocolVersion } from '../index.ts';
import { type Address, Answers, inFew } from './answers.ts';
import type { ProtocolOutput } from './own-stdout.ts';
import { type ChildRequest, parseRequest } from './parse-request.ts';
import { Stop } from './stop.ts';

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

type Synthesis = Extract<ChildRequest, { kind: 'synthesize' }>;
interface Task {
  readonly correlationId: string;
  readonly stop: Stop;
  ended: Promise<void>;
}

/** The child's side of the protocol, around one engine. @see ../protocol/ARCHITECTURE.md */
export const serveSpeech = (service: SpeechService): void => {
  new SpeechServer(service).listen(service.input);
};

class SpeechServer {
  readonly #service: SpeechService;
  readonly #answers: Answers;
  readonly #loading: Promise<SpeechEngine>;
  readonly #tasks = new Set<Task>();
  /** What was asked in 1.0 is answered in the order of asking. */
  #lastBare: Promise<void> = Promise.resolve();
  /** Events are said in it; absent until the manager has shown which it speaks. */
  #eventVersion: ProtocolVersion | undefined;
  #engine: SpeechEngine | undefined;
  #jobsDone = 0;
  #isReadySaid = false;
  #isLeaving = false;
  #exitCode: number | undefined;
  /** Nothing is said or heard any more. */
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
    // The manager is gone, or wants this child gone: nobody would hear an answer.
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
    this.#sayReady();
    return this.#engine;
  }

  /** Whoever waits is answered first. */
  async #giveUp(fault: TalebackError): Promise<void> {
    await Promise.all([...this.#tasks].map((task) => task.ended));
    if (this.#isGone) return;
    // A manager that has not spoken yet is told all the same: nothing else says why this child ends.
    const version = this.#eventVersion ?? PROTOCOL_VERSIONS[0];
    if (version !== '1.0.0')
      this.#answers.announce(version, { type: 'failed', ...inFew(reportError(fault)) });
    this.#leave(1);
  }

  #take(request: ChildRequest): void {
    switch (request.kind) {
      case 'hello':
        this.#hello(request.address, request.versions);
        return;
      case 'synthesize':
        this.#eventVersion ??= request.address.version;
        this.#start(request.address, (stop) => this.#speak(request, stop));
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
        for (const { correlationId, stop } of this.#tasks) {
          if (correlationId === request.correlationId) stop.ask();
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
    const version = newestCommon(PROTOCOL_VERSIONS, theirs) ?? '1.0.0';
    this.#answers.respond(address, { type: 'hello', version, engine, concurrency, pid: process.pid });
    this.#eventVersion = version;
    if (this.#engine !== undefined) this.#sayReady();
  }

  #sayReady(): void {
    const version = this.#eventVersion;
    if (this.#isGone || this.#isReadySaid || version === undefined || version === '1.0.0') return;
    this.#isReadySaid = true;
    this.#answers.announce(version, { type: 'ready', model: this.#engine?.name });
  }

  /** Runs what ends in an answer; what it throws is the answer. */
  #start(address: Address, run: (stop: Stop) => void | Promise<void>): void {
    const stop = new Stop();
    const before = address.version === '1.0.0' ? this.#lastBare : undefined;
    const answer = async (): Promise<void> => {
      // Waiting costs a turn, after which a later cancel would be read first.
      if (before !== undefined) await before;
      try {
        await run(stop);
      } catch (error) {
        if (!this.#isGone) this.#answers.fail(address, error);
      }
    };
    const task: Task = { correlationId: address.correlationId, stop, ended: Promise.resolve() };
    this.#tasks.add(task);
    task.ended = this.#finish(task, answer());
    if (before !== undefined) this.#lastBare = task.ended;
  }

  async #finish(task: Task, answered: Promise<void>): Promise<void> {
    await answered;
    this.#tasks.delete(task);
    if (this.#isLeaving && this.#tasks.size === 0) this.#leave(0);
  }

  async #speak({ address, fields }: Synthesis, stop: Stop): Promise<void> {
    if (this.#isLeaving) throw cancelled('The speech process is leaving.');
    const engine = this.#engine ?? (await this.#loading);
    if (stop.isAsked) throw cancelled('The request was cancelled.');
    const { text, voiceId = engine.voices()[0]?.id ?? '', speed } = fields;
    const sound = await engine.synthesizeChunk({ text, voiceId, speed }, stop);
    if (this.#isGone) return;
    this.#answers.sound(address, fields.outputPath, sound);
    this.#jobsDone += 1;
  }

  /** Ends the process when all it said has left it. */
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
