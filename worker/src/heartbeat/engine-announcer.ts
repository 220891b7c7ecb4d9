import type { CancelTimer, Clock } from '@taleback/resilience';
import { isHttpUrl, type SendOnce, type TryOutcome } from '@taleback/outbox/src/callbacks-index.ts';
import type { Log } from '@taleback/speech/src/status/index.ts';
import { encodeReport } from './encode-report.ts';
import { type EnginesPicture, toEnginesPayload } from './engines-picture.ts';
import { readOutcome } from './told-outcome.ts';

export interface EngineAnnouncerOptions {
  /** Where the receiver hears of engines, such as `https://tales.example/api/tts/engines`. */
  readonly url: string;
  readonly workerId: string;
  /** The engines as they are now; cheap, for it is asked every few seconds. */
  readonly picture: () => EnginesPicture;
  readonly sendOnce: SendOnce;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells the receiver how the engines are, so that the page knows voices and narrators without asking. What is lost is
 * not missed: the next report says it all again. No method throws, and nobody has to wait for any.
 */
export interface EngineAnnouncer {
  /** Tells at once, again when something changed, and every minute otherwise. */
  start(): void;
  /** Says that something may have changed, so that nobody waits for the next look. */
  look(): void;
  /** Tells once, if anything was told before, that the worker stops; resolves within seconds, told or not. */
  close(): Promise<void>;
}

/** Least time between two reports, ms. */
const LEAST_MS = 5_000;
/** Longest time between two reports that say the same, ms: a fifth of how long the receiver believes one. */
const MOST_MS = 60_000;
/** Longest wait for an answer, ms. */
const ANSWER_MS = 10_000;
/** Longest wait for the answer to the last report, ms: time that a stop takes. */
const LAST_ANSWER_MS = 2_000;

/** What makes a report news. How much waits and is worked on changes all the time, and is told along. */
const newsOf = ({ engines, state }: EnginesPicture): string => JSON.stringify([state ?? null, engines]);

type Report = { readonly news: string; readonly body: Uint8Array };

const wordsOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));

export const createEngineAnnouncer = (options: EngineAnnouncerOptions): EngineAnnouncer => {
  const { url, workerId, picture, sendOnce, clock, log } = options;
  let phase: 'idle' | 'running' | 'closed' = 'idle';
  let sending: Promise<void> | undefined;
  let answering: AbortController | undefined;
  let cancelLook: CancelTimer | undefined;
  let closing: Promise<void> | undefined;
  let toldNews: string | undefined;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  let lastKind: string | undefined;
  let messages = 0;

  /** Logs an outcome unless it is like the one before. */
  const note = (kind: string, words: string): void => {
    if (kind === lastKind) return;
    const isRecovery = lastKind !== undefined;
    lastKind = kind;
    if (kind !== 'told') log('warn', 'engines not told', { url, cause: words });
    else if (isRecovery) log('info', 'engines told again', { url });
    else log('info', 'engines told', { url });
  };

  const draw = (more: Partial<EnginesPicture> = {}): Report | undefined => {
    try {
      const now = { ...picture(), ...more };
      return { news: newsOf(now), body: encodeReport(toEnginesPayload(workerId, now)) };
    } catch (fault) {
      note('no picture', wordsOf(fault));
      return undefined;
    }
  };

  const post = async (body: Uint8Array, withinMs: number): Promise<TryOutcome> => {
    if (!isHttpUrl(url)) return { kind: 'address-refused', cause: 'it is not an http or https address' };
    const abort = new AbortController();
    answering = abort;
    const cancel = clock.setTimer(() => abort.abort(new Error(`no answer within ${withinMs} ms`)), withinMs);
    messages += 1;
    const messageId = `engines_${encodeURIComponent(workerId).replaceAll('.', '-').slice(0, 150)}_${Math.floor(clock.now())}_${messages}`;
    try {
      return await sendOnce({ url, messageId, body }, abort.signal);
    } catch (fault) {
      return { kind: 'unanswered', cause: wordsOf(fault) };
    } finally {
      cancel();
    }
  };

  const tell = async ({ news, body }: Report): Promise<void> => {
    const outcome = readOutcome(await post(body, ANSWER_MS), clock.now());
    const atMs = clock.now();
    if (phase !== 'running') return;
    note(outcome.kind, outcome.words);
    if (outcome.isTold) {
      failures = 0;
      toldNews = news;
      toldAtMs = atMs;
      notBeforeMs = atMs + LEAST_MS;
      return;
    }
    // A receiver that is away is left alone for longer and longer; one that refuses, for as long as there is no news.
    const waitMs = outcome.isWorthAnother ? Math.min(LEAST_MS * 2 ** failures, MOST_MS) : MOST_MS;
    failures += 1;
    notBeforeMs = atMs + Math.max(waitMs, Math.min(outcome.retryAfterMs ?? 0, MOST_MS));
  };

  const look = (): void => {
    if (phase !== 'running' || sending !== undefined) return;
    cancelLook?.();
    cancelLook = clock.setTimer(look, LEAST_MS);
    const nowMs = clock.now();
    if (nowMs < notBeforeMs) {
      cancelLook();
      cancelLook = clock.setTimer(look, notBeforeMs - nowMs);
      return;
    }
    const report = draw();
    if (report === undefined) return;
    if (report.news === toldNews && nowMs - toldAtMs < MOST_MS) return;
    sending = tell(report).finally(() => {
      sending = undefined;
      look();
    });
  };

  const stop = async (wasRunning: boolean): Promise<void> => {
    cancelLook?.();
    answering?.abort(new Error('the worker stops'));
    await sending;
    const report = wasRunning ? draw({ state: 'stopping' }) : undefined;
    if (report === undefined || toldNews === undefined) return;
    const outcome = readOutcome(await post(report.body, LAST_ANSWER_MS), clock.now());
    note(outcome.kind, outcome.words);
  };

  return {
    start: () => {
      if (phase !== 'idle') return;
      phase = 'running';
      look();
    },
    look,
    close: () => {
      const wasRunning = phase === 'running';
      phase = 'closed';
      closing ??= stop(wasRunning);
      return closing;
    },
  };
};
