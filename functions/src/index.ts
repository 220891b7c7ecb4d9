import { type JobPriority, type Log, logFields, priorityOf } from '@taleback/core';
import { getApps, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { type CallableRequest, HttpsError, onCall, onRequest } from 'firebase-functions/https';
import { write } from 'firebase-functions/logger';
import type { GlobalOptions } from 'firebase-functions/options';
import { defineSecret } from 'firebase-functions/params';
import { type Message, onMessagePublished } from 'firebase-functions/pubsub';
import { onSchedule } from 'firebase-functions/scheduler';
import { parseConfig, readEnvironment } from './config.ts';
import { CONCURRENCY, MEMORY, parseDeployment } from './deployment.ts';
import {
  deleteMyData as removeMyData,
  deleteStory as removeStory,
  finishDeletions,
} from './request/deletion.ts';
import { publishOwed } from './events/publish-owed.ts';
import { expressEdge } from './http/edge.node.ts';
import { boundedCallable, installGate } from './http/gate.node.ts';
import {
  type CallableAnswer,
  callableAnswer,
  deletionAnswer,
  renewalAnswer,
} from './request/callable-answer.ts';
import { renewAudio } from './request/renew-audio.ts';
import { requestAudio } from './request/request-audio.ts';
import { failDeadLetter } from './runpod/dead-letter.ts';
import { dispatchJob, type QueuedMessage } from './runpod/dispatch.ts';
import { sweepStories as sweepOverdue } from './sweep/sweep.ts';
import { watchProcessFaults } from './process-faults.ts';
import { once, openParts } from './wiring.ts';

const environment = readEnvironment();
const { names, enforceAppCheck, maxInstances } = parseDeployment(environment);
installGate(environment['FUNCTION_TARGET']);

/** All secrets everywhere, because the configuration is read whole. */
const COMMON = {
  region: names.region,
  memory: MEMORY.other,
  maxInstances,
  secrets: [
    defineSecret('CALLBACK_SECRETS'),
    defineSecret('GENERATE_SECRETS'),
    defineSecret('RUNPOD_API_KEY'),
    defineSecret('S3_SECRET_ACCESS_KEY'),
  ],
} as const satisfies GlobalOptions;

const SEVERITIES = { info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const;
const log: Log = (severity, message, fields) =>
  write({ ...logFields(fields), severity: SEVERITIES[severity], message });

watchProcessFaults(process, log);

const parts = once(() => {
  const firestore = getFirestore(getApps()[0] ?? initializeApp());
  return openParts(parseConfig(readEnvironment()), firestore, log);
});

/** `/api/tts/**`: callback, error-callback, progress, generate, heartbeat, runpod-webhook, health. */
export const tts = onRequest(
  { ...COMMON, memory: MEMORY.tts, concurrency: CONCURRENCY.tts, invoker: 'public' },
  expressEdge(() => parts().receiver(), log),
);

/** Custom claim of a user's token, set by the operator: `high`, `normal` or `low`. */
const PRIORITY_CLAIM = 'ttsPriority';

/** Who calls, by the token. */
interface Caller {
  readonly userId: string;
  readonly priority: JobPriority | undefined;
  readonly isAnonymous: boolean;
}

const callable = <Value>(answerTo: (caller: Caller, data: unknown) => Promise<CallableAnswer<Value>>) =>
  boundedCallable(
    onCall(
      { ...COMMON, concurrency: CONCURRENCY.callable, enforceAppCheck },
      async ({ auth, data }: CallableRequest<unknown>) => {
        if (auth === undefined) throw new HttpsError('unauthenticated', 'Sign in first.');
        const { uid: userId, token } = auth;
        const isAnonymous = token.firebase?.sign_in_provider === 'anonymous';
        const answer = await answerTo(
          { userId, priority: priorityOf(token[PRIORITY_CLAIM]), isAnonymous },
          data,
        );
        if (answer.ok) return answer.value;
        throw new HttpsError(answer.status, answer.sentence, answer.details);
      },
    ),
  );

const requestsOf = ({ priority, isAnonymous }: Caller) => {
  const { requests, budgets } = parts();
  return { ...requests(), priority, budget: isAnonymous ? budgets.anonymous : budgets.user };
};

/** A person requests a narration of an own story. */
export const requestStoryAudio = callable(async (caller, data) =>
  callableAnswer(await requestAudio('request', caller.userId, data, requestsOf(caller))),
);

/** A person presses Try Again. */
export const retryStoryAudio = callable(async (caller, data) =>
  callableAnswer(await requestAudio('retry', caller.userId, data, requestsOf(caller))),
);

/** A person's page could not play an own story: its signed address may have expired. */
export const renewStoryAudio = callable(async ({ userId }, data) =>
  renewalAnswer(await renewAudio(userId, data, parts().renewal())),
);

/** A person deletes an own story, with everything that belongs to it. */
export const deleteStory = callable(async ({ userId }, data) =>
  deletionAnswer(await removeStory(userId, data, parts().deletion())),
);

/** A person deletes everything of theirs. */
export const deleteMyData = callable(async ({ userId }) =>
  deletionAnswer(await removeMyData(userId, parts().deletion())),
);

const queuedMessage = ({ data, attributes }: Message<unknown>): QueuedMessage => ({
  data: Buffer.from(data, 'base64'),
  attributes,
});

/** Four tries of ten seconds each and the waits between them, with room for Firestore. */
const DISPATCH_TIMEOUT_SECONDS = 120;

/** Sends queued jobs to RunPod; where workers pull jobs themselves, it does nothing. */
export const dispatchTtsJob = onMessagePublished(
  {
    ...COMMON,
    concurrency: CONCURRENCY.dispatchTtsJob,
    topic: names.topics.jobs,
    retry: true,
    timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
  },
  async (event) => {
    const options = parts().dispatch();
    if (options !== undefined) await dispatchJob(queuedMessage(event.data.message), options);
  },
);

/** Fails the stories of jobs that no worker could take. */
export const ttsDeadLetter = onMessagePublished(
  { ...COMMON, concurrency: CONCURRENCY.ttsDeadLetter, topic: names.topics.deadLetters, retry: true },
  async (event) => {
    await failDeadLetter(queuedMessage(event.data.message), parts().common);
  },
);

/** Of each hour: to list the recordings of a bucket every minute would cost more. */
const EXPIRY_MINUTE = 17;

/** Ends overdue jobs every minute, and publishes owed events. */
export const sweepStories = onSchedule(
  {
    ...COMMON,
    concurrency: CONCURRENCY.sweepStories,
    schedule: 'every 1 minutes',
    timeoutSeconds: 120,
    maxInstances: 1,
  },
  async () => {
    const { common, deletion, heartbeats, recordings, sweep } = parts();
    await sweepOverdue(sweep());
    await finishDeletions(deletion());
    await heartbeats().sweep(Date.now());
    if (new Date().getUTCMinutes() === EXPIRY_MINUTE) await recordings()?.removeExpired();
    if (common.publishing !== undefined) await publishOwed({ ...common, ...common.publishing });
  },
);
