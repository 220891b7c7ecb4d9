import { decide } from '@taleback/core';
import { accept, answerFault, type Refusal, refuse } from './answer.ts';
import { type AuthenticationRules, authenticate } from './authenticate.ts';
import type { Log } from './log.ts';
import { parseJson, readBody } from './read-body.ts';
import { findRoute, type Told } from './routes.ts';
import type { StoryStore } from './story-store.ts';

export interface ReceiverOptions extends AuthenticationRules {
  readonly store: StoryStore;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** How long a job may be silent after it reported. */
  readonly processingLeaseMs: number;
}

export type Receiver = (request: Request) => Promise<Response>;

/** After this long Firestore is usually back, and a sender of seed 001 has not given up. */
const RETRY_AFTER_SECONDS = 5;

const isJson = (contentType: string | null): boolean =>
  /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '');

const applyMessage = async (name: string, told: Told, options: ReceiverOptions): Promise<Response> => {
  const { storyId, message } = told;
  const context = { source: 'callback' as const, nowMs: options.now(), leaseMs: options.processingLeaseMs };
  const outcome = await options.store.apply({ storyId, jobId: message.jobId }, (story, attempt) =>
    decide(story, attempt, message, context),
  );
  const about = { route: name, storyId, jobId: message.jobId };
  switch (outcome.kind) {
    case 'decided':
      options.log('info', 'callback', { ...about, decision: outcome.decision });
      return accept();
    case 'no-such-story':
      options.log('warn', 'callback for a story that is not there', about);
      return refuse({ kind: 'no-such-story', storyId });
    case 'too-large':
      options.log('error', 'callback does not fit into the story', about);
      return refuse({
        kind: 'wrong-shape',
        sentence: 'body: does not fit into the story, which is near its size limit',
      });
    case 'store-away':
      options.log('error', 'Firestore is away', { ...about, cause: outcome.cause });
      return refuse({ kind: 'store-away', retryAfterSeconds: RETRY_AFTER_SECONDS });
    default:
      return outcome satisfies never;
  }
};

const answerHealth = async (request: Request, options: ReceiverOptions): Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse({ kind: 'wrong-method', allow: 'GET, HEAD' });
  if (await options.store.ping()) return accept({ status: 'ok' });
  return refuse({ kind: 'store-away', retryAfterSeconds: RETRY_AFTER_SECONDS });
};

const receive = async (request: Request, options: ReceiverOptions): Promise<Response> => {
  const route = findRoute(new URL(request.url).pathname);
  const reject = (refusal: Refusal, reason?: string): Response => {
    const path = new URL(request.url).pathname.slice(0, 200);
    options.log('warn', 'request refused', { path, method: request.method, kind: refusal.kind, reason });
    return refuse(refusal);
  };
  if (route === undefined) return reject({ kind: 'no-such-route' });
  if (route.kind === 'health') return answerHealth(request, options);
  if (request.method !== 'POST') return reject({ kind: 'wrong-method', allow: 'POST' });
  if (!isJson(request.headers.get('content-type'))) return reject({ kind: 'wrong-type' });

  const body = await readBody(request);
  if (!body.ok) return reject(body.refusal);
  const caller = authenticate(request, body.bytes, options, options.now());
  if (!caller.ok) return reject({ kind: 'not-authentic' }, caller.reason);
  const json = parseJson(body.bytes);
  if (!json.ok) return reject({ kind: 'not-json', sentence: json.sentence });
  const told = route.parse(json.value);
  if (!told.ok) return reject({ kind: 'wrong-shape', sentence: told.sentence }, told.sentence);
  return applyMessage(route.name, told.value, options);
};

/**
 * Makes the handler behind `/api/tts/**`: verify, parse, decide, apply. It answers 200 as soon as the message is
 * in Firestore, or there was nothing left to change; a sender may send anything any number of times.
 */
export const createReceiver =
  (options: ReceiverOptions): Receiver =>
  async (request) => {
    try {
      return await receive(request, options);
    } catch (error) {
      options.log('error', 'receiver fault', {
        fault: error instanceof Error ? error.message : String(error),
      });
      return answerFault();
    }
  };
