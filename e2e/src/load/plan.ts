import { signHmac, signStandard } from '@taleback/core/signatures';
import type { Random } from '../chaos/random.ts';
import { forgedProofs } from './forged-proofs.ts';

/** Secrets of a run: one of each scheme, and one that is not accepted. */
export interface LoadSecrets {
  readonly standard: Uint8Array;
  readonly hmac: string;
  readonly strangers: Uint8Array;
}

/** How one story shall stand at the end. */
export interface Ending {
  readonly storyId: string;
  readonly jobId: string;
  readonly kind: 'ready' | 'failed';
  /** Told by the genuine callback and by no other. */
  readonly word: string;
}

export interface PlannedCallback {
  readonly kind: 'genuine' | 'duplicate' | 'forged';
  readonly route: 'callback' | 'error-callback';
  readonly body: Buffer;
  /** Made when it is sent: a signature is of one moment. */
  readonly headers: () => Record<string, string>;
}

export interface LoadPlan {
  readonly endings: readonly Ending[];
  /** Stories that only forged callbacks speak of. */
  readonly victims: readonly string[];
  readonly callbacks: readonly PlannedCallback[];
}

export interface LoadShares {
  readonly callbacks: number;
  /** 0..1 of all callbacks; each says again what a genuine one says. */
  readonly duplicates: number;
  /** 0..1 of all callbacks. */
  readonly forged: number;
}

const FAILED_SHARE = 0.4;
const HMAC_SHARE = 0.3;
const REPEATED_AS_IT_WAS_SHARE = 0.5;
const STORIES_PER_VICTIM = 5;

const bodyOf = ({ storyId, jobId, kind, word }: Ending): Buffer =>
  Buffer.from(
    JSON.stringify(
      kind === 'ready'
        ? { story_id: storyId, job_id: jobId, audio_url: `https://audio.example/${word}.mp3`, user_id: null }
        : { story_id: storyId, job_id: jobId, error: `CUDA out of memory ${word}`, error_details: null },
    ),
  );

const routeOf = ({ kind }: Ending): PlannedCallback['route'] =>
  kind === 'ready' ? 'callback' : 'error-callback';

/** Draws what is sent and in which order; the same random source draws the same plan. */
export const planLoad = (shares: LoadShares, random: Random, secrets: LoadSecrets): LoadPlan => {
  const duplicateCount = Math.round(shares.callbacks * shares.duplicates);
  const forgedCount = Math.round(shares.callbacks * shares.forged);
  const genuineCount = shares.callbacks - duplicateCount - forgedCount;
  const endings = Array.from(
    { length: genuineCount },
    (_, index): Ending => ({
      storyId: `story-${index}`,
      jobId: `job-${index}`,
      kind: random.chance(FAILED_SHARE) ? 'failed' : 'ready',
      word: `word-${index}`,
    }),
  );
  const victims = Array.from(
    { length: Math.ceil(forgedCount / STORIES_PER_VICTIM) },
    (_, index) => `victim-${index}`,
  );
  const anyOf = <T>(items: readonly T[]): T => items[random.between(0, items.length - 1)] as T;

  const signed = (ending: Ending, id: string): (() => Record<string, string>) => {
    const body = bodyOf(ending);
    if (!random.chance(HMAC_SHARE))
      return () => signStandard({ id, timestampSeconds: Date.now() / 1000, body }, [secrets.standard]);
    const path = `/api/tts/${routeOf(ending)}`;
    return () => signHmac({ method: 'POST', path, timestampMs: Date.now(), body }, secrets.hmac, 'taleback');
  };
  const genuine = endings.map((ending): PlannedCallback => {
    const headers = signed(ending, `load_${ending.jobId}`);
    return { kind: 'genuine', route: routeOf(ending), body: bodyOf(ending), headers };
  });
  const duplicates = Array.from({ length: duplicateCount }, (_, index): PlannedCallback => {
    const at = random.between(0, endings.length - 1);
    const [first, ending] = [genuine[at] as PlannedCallback, endings[at] as Ending];
    const asItWas = random.chance(REPEATED_AS_IT_WAS_SHARE);
    return {
      ...first,
      kind: 'duplicate',
      headers: asItWas ? first.headers : signed(ending, `again_${index}`),
    };
  });
  const forged = Array.from({ length: forgedCount }, (_, index): PlannedCallback => {
    const storyId = random.chance(0.5) ? anyOf(victims) : anyOf(endings).storyId;
    const ending: Ending = { storyId, jobId: `forged-${index}`, kind: 'failed', word: 'forged' };
    const body = bodyOf(ending);
    const path = '/api/tts/error-callback';
    const headers = anyOf(forgedProofs({ path, body, ...secrets, prefix: 'taleback' }));
    return { kind: 'forged', route: 'error-callback', body, headers };
  });
  const callbacks = [...genuine, ...duplicates, ...forged]
    .map((callback) => ({ callback, place: random.next() }))
    .sort((one, other) => one.place - other.place)
    .map(({ callback }) => callback);
  return { endings, victims, callbacks };
};
