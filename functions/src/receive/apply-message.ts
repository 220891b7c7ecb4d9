import { type AutoRetryPolicy, decide } from '@taleback/core';
import { accept, RETRY_AFTER_SECONDS, type Refusal, refuse } from './answer.ts';
import type { Log } from './log.ts';
import { type Contradiction, findContradiction } from './ownership.ts';
import type { Told } from './routes.ts';
import type { ApplyOutcome, StoryStore } from './story-store.ts';

export interface ApplyOptions {
  readonly store: StoryStore;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** How long a job may be silent after it reported. */
  readonly processingLeaseMs: number;
  /** Default: a failure waits for a person. */
  readonly autoRetry?: AutoRetryPolicy | undefined;
}

const refusalOf = (contradiction: Contradiction | undefined, storyId: string): Refusal => {
  if (contradiction?.kind !== 'other-users-folder') return { kind: 'not-this-user', storyId };
  const sentence = `${contradiction.field}: must lie in the folder of the story's own user`;
  return { kind: 'wrong-shape', sentence };
};

/** The story has a newer job, or is told already: whoever still works on this one may stop. */
const isUnwanted = ({ decision, narration }: Extract<ApplyOutcome, { kind: 'decided' }>): boolean =>
  decision === 'fenced' || (decision === 'stale' && narration?.status === 'ready');

/** Carries out a parsed callback in one transaction. `route` is for the log. */
export const applyMessage = async (route: string, told: Told, options: ApplyOptions): Promise<Response> => {
  const { storyId, message, claims } = told;
  const { autoRetry, processingLeaseMs: leaseMs } = options;
  const context = { source: 'callback' as const, nowMs: options.now(), leaseMs, autoRetry };
  let contradiction: Contradiction | undefined;
  const target = {
    storyId,
    jobId: message.jobId,
    admits: (owners: Parameters<typeof findContradiction>[1]): boolean => {
      contradiction = findContradiction(claims, owners);
      return contradiction === undefined;
    },
  };
  const outcome = await options.store.apply(target, (story, attempt) =>
    decide(story, attempt, message, context),
  );
  const about = { route, storyId, jobId: message.jobId };
  switch (outcome.kind) {
    case 'decided':
      options.log('info', 'callback', { ...about, decision: outcome.decision });
      return accept(message.kind === 'progress' && isUnwanted(outcome) ? { wanted: false } : {});
    case 'no-such-story':
      options.log('warn', 'callback for a story that is not there', about);
      return refuse({ kind: 'no-such-story', storyId });
    case 'not-admitted':
      options.log('warn', 'callback contradicts its story', { ...about, ...contradiction });
      return refuse(refusalOf(contradiction, storyId));
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
