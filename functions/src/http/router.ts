import { errorWords } from '@taleback/core';
import { CALLBACK_ROUTES, type CallbackOptions, receiveCallback } from '../callbacks/receive-callback.ts';
import { receiveHeartbeat, type HeartbeatOptions } from '../heartbeat/receive-heartbeat.ts';
import { generateNarration, MAX_GENERATE_BODY_BYTES } from '../generate/generate.ts';
import type { RequestOptions } from '../request/request-audio.ts';
import { receiveWebhook, type WebhookOptions } from '../runpod/webhook.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import { accept, type Answer, answerFault, json, type Refusal, refuse } from './answer.ts';
import { type AuthenticationRules, createReplayMemory } from './authenticate.ts';
import {
  type Call,
  type CallOptions,
  type HttpRequest,
  MAX_BODY_BYTES,
  readSignedBody,
  reject,
  rejectOverLimit,
  rejectUnsigned,
} from './call.ts';

export interface ReceiverOptions extends CallOptions, CallbackOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'ping'>;
  /** Default: the route `generate` does not exist. */
  readonly generate?: RequestOptions | undefined;
  /** Whose signatures open `generate`, also where callbacks need none. Default: it answers 401. */
  readonly generateSecrets?: AuthenticationRules['secrets'] | undefined;
  /** Default: the route `heartbeat` does not exist. */
  readonly heartbeat?: HeartbeatOptions | undefined;
  /** Default: the route `runpod-webhook` does not exist. */
  readonly webhook?: WebhookOptions | undefined;
}

/** The address and the client are those of `Origin`, as far as the edge knows them. */
export type Receiver = (request: HttpRequest, address?: string, client?: string) => Promise<Answer>;

interface ReceiverCall extends Call<ReceiverOptions> {
  readonly isStoreUp: () => Promise<boolean>;
}

/** How long an answer of the store serves further callers, who need no signature. Milliseconds. */
const HEALTH_KEPT_MS = 5_000;

/** Whether the store answers, asked once in a while. */
const createStoreCheck = ({ stories, now }: ReceiverOptions): ReceiverCall['isStoreUp'] => {
  let last: { readonly atMs: number; readonly answer: Promise<boolean> } | undefined;
  return () => {
    if (last === undefined || Math.abs(now() - last.atMs) >= HEALTH_KEPT_MS)
      last = { atMs: now(), answer: stories.ping() };
    return last.answer;
  };
};

const health = async (call: ReceiverCall): Promise<Answer> => {
  const tooMany = rejectOverLimit(call, 'takeHealth');
  if (tooMany !== undefined) return tooMany;
  if (await call.isStoreUp()) return accept({ status: 'ok' });
  return refuse({ kind: 'store-away' });
};

const generate = async (call: ReceiverCall): Promise<Answer> => {
  const { options } = call;
  if (options.generate === undefined) return rejectUnsigned(call, { kind: 'no-such-route' });
  const secrets = options.generateSecrets;
  if (secrets === undefined)
    return rejectUnsigned(call, { kind: 'not-authentic' }, 'GENERATE_SECRETS is not set');
  const { hmacHeaderPrefix } = options;
  const rules = { signatures: 'required', secrets, hmacHeaderPrefix } as const;
  const signed = await readSignedBody(call, MAX_GENERATE_BODY_BYTES, rules);
  if ('status' in signed) return signed;
  const key = call.request.headers.get('x-idempotency-key') ?? undefined;
  const answer = await generateNarration(signed, key, options.generate);
  return answer.kind === 'queued' ? json(200, answer.body) : reject(call, answer);
};

const heartbeat = async (call: ReceiverCall): Promise<Answer> => {
  const { options, replays } = call;
  if (options.heartbeat === undefined) return rejectUnsigned(call, { kind: 'no-such-route' });
  const signed = await readSignedBody(call, MAX_BODY_BYTES);
  if ('status' in signed) return signed;
  const keys = signed.messages.map(({ key }) => key);
  // A recorded heartbeat that is sent again would restore an old state.
  if (replays.has(...keys)) return accept({ commands: [] });
  // Deletions name users and stories: only a verified worker is sent them.
  const deletions = keys.length > 0 ? options.heartbeat.deletions : undefined;
  const answer = await receiveHeartbeat(signed.value, { ...options.heartbeat, deletions });
  if (answer.kind !== 'accepted') return reject(call, answer);
  replays.add(...keys);
  return accept({ commands: answer.commands });
};

const webhook = async (call: ReceiverCall): Promise<Answer> => {
  const { options } = call;
  if (options.webhook === undefined) return rejectUnsigned(call, { kind: 'no-such-route' });
  const answer = await receiveWebhook(call.request, options.webhook);
  if (answer.kind === 'accepted') return accept();
  return answer.kind === 'not-authentic' ? rejectUnsigned(call, answer) : reject(call, answer);
};

interface Route {
  readonly methods: 'POST' | 'GET, HEAD';
  readonly answer: (call: ReceiverCall) => Promise<Answer>;
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...CALLBACK_ROUTES.map(
    (name) => [name, { methods: 'POST', answer: (call) => receiveCallback(call, name) }] as [string, Route],
  ),
  ['generate', { methods: 'POST', answer: generate }],
  ['heartbeat', { methods: 'POST', answer: heartbeat }],
  ['runpod-webhook', { methods: 'POST', answer: webhook }],
  ['health', { methods: 'GET, HEAD', answer: health }],
]);

/** Finds the route of a path: `/api/tts/callback` behind Hosting, `/callback` when the function is called directly. */
export const findRoute = (pathname: string): Route | undefined =>
  ROUTES.get(/^(?:\/api\/tts)?\/([a-z-]+)\/?$/.exec(pathname)?.[1] ?? '');

/** Why a route refuses a method; undefined when it takes it. */
const refusalOf = (route: Route | undefined, method: string): Refusal | undefined => {
  if (route === undefined) return { kind: 'no-such-route' };
  return route.methods.split(', ').includes(method)
    ? undefined
    : { kind: 'wrong-method', allow: route.methods };
};

/**
 * Makes the handler behind `/api/tts/**`. It answers 200 as soon as a message is in Firestore, or there was nothing
 * left to change; a sender may send anything any number of times.
 */
export const createReceiver = (options: ReceiverOptions): Receiver => {
  const replays = createReplayMemory(options.now);
  const isStoreUp = createStoreCheck(options);
  return async (request, address = '', client = address) => {
    try {
      const call = { request, origin: { address, client }, replays, options, isStoreUp };
      const route = findRoute(request.path);
      const refusal = refusalOf(route, request.method);
      if (route === undefined || refusal !== undefined)
        return rejectUnsigned(call, refusal ?? { kind: 'no-such-route' });
      return await route.answer(call);
    } catch (error) {
      options.log('error', 'receiver fault', { fault: errorWords(error) });
      return answerFault();
    }
  };
};
