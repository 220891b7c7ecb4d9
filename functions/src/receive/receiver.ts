import { accept, answerFault, json, RETRY_AFTER_SECONDS, type Refusal, refuse } from './answer.ts';
import { type ApplyOptions, applyMessage } from './apply-message.ts';
import { type AuthenticationRules, authenticate, type Caller } from './authenticate.ts';
import type { CallerLimits } from './caller-limits.ts';
import { type Generate, MAX_GENERATE_BODY_BYTES } from './generate-port.ts';
import type { ReceiveHeartbeat } from '../heartbeat/receive-heartbeat.ts';
import { tellOfJobInUrl } from './job-in-url.ts';
import { BODY_TIMEOUT_MS, MAX_BODY_BYTES, parseJson, readBody } from './read-body.ts';
import { createReplayMemory, type ReplayMemory } from './replay-memory.ts';
import { findRoute, methodsOf, type Route } from './routes.ts';
import type { Webhook } from './webhook-port.ts';

export interface ReceiverOptions extends AuthenticationRules, ApplyOptions {
  /** Default: nobody is limited. */
  readonly callerLimits?: CallerLimits;
  /** How long a body may take to arrive, in milliseconds. Default 10 s. */
  readonly bodyTimeoutMs?: number;
  /** Default: the route for jobs from other servers is not there. */
  readonly generate?: Generate;
  /** Default: the route for heartbeats of workers is not there. */
  readonly heartbeat?: ReceiveHeartbeat | undefined;
  /** Default: the route for RunPod's own webhook is not there. */
  readonly webhook?: Webhook | undefined;
}

/** @param address who calls, as far as the edge can tell; callers without one share their limits */
export type Receiver = (request: Request, address?: string) => Promise<Response>;

interface Call {
  readonly request: Request;
  readonly address: string;
  readonly options: ReceiverOptions & { readonly replays: ReplayMemory };
}

const isJson = (contentType: string | null): boolean =>
  /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '');

const secondsOf = (millis: number): number => Math.max(1, Math.ceil(millis / 1000));

const reject = ({ request, options }: Call, refusal: Refusal, reason?: string): Response => {
  const path = new URL(request.url).pathname.slice(0, 200);
  options.log('warn', 'request refused', { path, method: request.method, kind: refusal.kind, reason });
  return refuse(refusal);
};

/** Refuses somebody who has not shown a signature, and who is told why only so often. */
const rejectUnsigned = (call: Call, refusal: Refusal, reason?: string): Response => {
  const taken = call.options.callerLimits?.takeUnsigned(call.address) ?? { taken: true };
  if (taken.taken) return reject(call, refusal, reason);
  const tooMany: Refusal = { kind: 'too-many', retryAfterSeconds: secondsOf(taken.retryAfterMs) };
  return reject(call, tooMany, reason ?? refusal.kind);
};

const answerHealth = async (call: Call): Promise<Response> => {
  const { callerLimits, store } = call.options;
  const taken = callerLimits?.takeHealth(call.address) ?? { taken: true };
  if (!taken.taken)
    return reject(call, { kind: 'too-many', retryAfterSeconds: secondsOf(taken.retryAfterMs) });
  if (await store.ping()) return accept({ status: 'ok' });
  return refuse({ kind: 'store-away', retryAfterSeconds: RETRY_AFTER_SECONDS });
};

const answerMessage = async (
  call: Call,
  route: Route & { readonly kind: 'message' },
  value: unknown,
  caller: Caller & { readonly ok: true },
): Promise<Response> => {
  const { options } = call;
  const told = route.parse(value);
  if (!told.ok) return reject(call, { kind: 'wrong-shape', sentence: told.sentence }, told.sentence);
  if (caller.messageKey !== undefined && options.replays.has(caller.messageKey)) {
    options.log('info', 'callback replayed', { route: route.name, storyId: told.value.storyId });
    return accept();
  }
  const about = tellOfJobInUrl(call.request.url, told.value, options.secrets);
  if (about === undefined) return reject(call, { kind: 'not-authentic' }, 'forged job token');
  const answer = await applyMessage(route.name, about, options);
  if (answer.ok && caller.messageKey !== undefined) options.replays.add(caller.messageKey);
  return answer;
};

const answerGenerate = async (
  call: Call,
  generate: Generate,
  value: unknown,
  caller: Caller & { readonly ok: true },
): Promise<Response> => {
  // Whoever names no key gets that of the signed message, so that a recorded request opens no second job.
  const key = call.request.headers.get('x-idempotency-key') ?? caller.messageKey;
  const answer = await generate(value, key);
  return answer.kind === 'queued' ? json(200, answer.body) : reject(call, answer);
};

const answerHeartbeat = async (
  call: Call,
  receiveHeartbeat: ReceiveHeartbeat,
  value: unknown,
  { messageKey }: Caller & { readonly ok: true },
): Promise<Response> => {
  const { replays } = call.options;
  // A recorded heartbeat that is sent again would restore an old state.
  if (messageKey !== undefined && replays.has(messageKey)) return accept({ commands: [] });
  const answer = await receiveHeartbeat(value);
  if (answer.kind !== 'accepted') return reject(call, answer);
  if (messageKey !== undefined) replays.add(messageKey);
  return accept({ commands: answer.commands });
};

const answerWebhook = async (call: Call, webhook: Webhook): Promise<Response> => {
  const answer = await webhook(call.request);
  if (answer.kind === 'accepted') return accept();
  return answer.kind === 'not-authentic' ? rejectUnsigned(call, answer) : reject(call, answer);
};

const receive = async (call: Call): Promise<Response> => {
  const { request, address, options } = call;
  const route = findRoute(new URL(request.url).pathname);
  if (route === undefined || (route.kind !== 'message' && route.kind !== 'health' && !options[route.kind]))
    return rejectUnsigned(call, { kind: 'no-such-route' });
  const methods = methodsOf(route);
  if (!methods.split(', ').includes(request.method))
    return rejectUnsigned(call, { kind: 'wrong-method', allow: methods });
  if (route.kind === 'health') return answerHealth(call);
  if (route.kind === 'webhook') return answerWebhook(call, options.webhook as Webhook);
  if (!isJson(request.headers.get('content-type'))) return rejectUnsigned(call, { kind: 'wrong-type' });

  const maxBytes = route.kind === 'generate' ? MAX_GENERATE_BODY_BYTES : MAX_BODY_BYTES;
  const body = await readBody(request, { maxBytes, timeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS });
  if (!body.ok) return rejectUnsigned(call, body.refusal);
  const caller = authenticate(request, body.bytes, options, options.now());
  if (!caller.ok) return rejectUnsigned(call, { kind: 'not-authentic' }, caller.reason);
  const taken = options.callerLimits?.takeSigned(address) ?? { taken: true };
  if (!taken.taken)
    return reject(call, { kind: 'too-many', retryAfterSeconds: secondsOf(taken.retryAfterMs) });
  const parsed = parseJson(body.bytes);
  if (!parsed.ok) return reject(call, { kind: 'not-json', sentence: parsed.sentence });
  if (route.kind === 'message') return answerMessage(call, route, parsed.value, caller);
  if (route.kind === 'heartbeat')
    return answerHeartbeat(call, options.heartbeat as ReceiveHeartbeat, parsed.value, caller);
  return answerGenerate(call, options.generate as Generate, parsed.value, caller);
};

/**
 * Makes the handler behind `/api/tts/**`: verify, parse, decide, apply. It answers 200 as soon as the message is
 * in Firestore, or there was nothing left to change; a sender may send anything any number of times.
 */
export const createReceiver = (receiverOptions: ReceiverOptions): Receiver => {
  const options = { ...receiverOptions, replays: createReplayMemory(receiverOptions.now) };
  return async (request, address = '') => {
    try {
      return await receive({ request, address, options });
    } catch (error) {
      options.log('error', 'receiver fault', {
        fault: error instanceof Error ? error.message : String(error),
      });
      return answerFault();
    }
  };
};
