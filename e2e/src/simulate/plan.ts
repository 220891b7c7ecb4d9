import { randomFrom, type Random } from '../chaos/random.ts';

/** What happens in a history. A job of ours is named by its place among the jobs of its story. */
export type Deed =
  | {
      readonly kind: 'request' | 'retry';
      readonly story: number;
      /** Whether the text was changed before. */
      readonly isEdited: boolean;
    }
  | { readonly kind: 'cancel' | 'reset' | 'runpod-retry'; readonly story: number }
  | {
      readonly kind: 'foreign';
      readonly story: number;
      readonly job: string;
      readonly hasProgress: boolean;
      readonly end: 'ready' | 'failed' | 'none';
      readonly copies: number;
      readonly hasOutbox: boolean;
      /** Whether its end names the job. */
      readonly isNamed: boolean;
    }
  | {
      readonly kind: 'stray';
      readonly story: number;
      readonly nth: number;
      readonly as: 'own' | 'runpod';
      readonly end: 'ready' | 'failed' | 'progress';
      readonly isSameFile: boolean;
    }
  | { readonly kind: 'outage'; readonly of: 'firestore' | 'pubsub' | 'runpod'; readonly forMs: number }
  | { readonly kind: 'sweep' };

export type Step = Deed & { readonly id: string; readonly atMs: number };

export interface Plan {
  readonly seed: number;
  /** Who takes jobs from the queue. */
  readonly target: 'runpod' | 'worker';
  readonly hasAutoRetry: boolean;
  /** Whether the stories have attempts of an older release, without hashes of their content. */
  readonly isOld: boolean;
  /** Without faults, stricter rules hold. */
  readonly hasFaults: boolean;
  readonly stories: number;
  readonly steps: readonly Step[];
}

/** Faults and deeds happen in the first minutes; then everything is delivered. */
export const CALM_MS = 8 * 60_000;

const pick = <T>({ between }: Random, choices: readonly T[]): T =>
  choices[between(0, choices.length - 1)] as T;

const deedOf = (random: Random, story: number, index: number): Deed => {
  const { next, chance, between } = random;
  const drawn = next();
  if (drawn < 0.2) return { kind: 'request', story, isEdited: chance(0.4) };
  if (drawn < 0.42) return { kind: 'retry', story, isEdited: chance(0.3) };
  if (drawn < 0.52) return { kind: 'reset', story };
  if (drawn < 0.56) return { kind: 'runpod-retry', story };
  if (drawn < 0.62)
    return {
      kind: 'outage',
      of: pick(random, ['firestore', 'pubsub', 'runpod']),
      forMs: between(1_000, 90_000),
    };
  if (drawn < 0.64) return { kind: 'sweep' };
  if (drawn < 0.7) return { kind: 'cancel', story };
  if (drawn < 0.85)
    return {
      kind: 'stray',
      story,
      nth: between(0, 2),
      as: pick(random, ['own', 'runpod']),
      end: pick(random, ['ready', 'failed', 'progress']),
      isSameFile: chance(0.5),
    };
  return {
    kind: 'foreign',
    story,
    job: chance(0.2) ? 'f-again' : `f-${index}`,
    hasProgress: chance(0.5),
    end: pick(random, ['ready', 'ready', 'failed', 'none']),
    copies: between(1, 2),
    hasOutbox: chance(0.5),
    isNamed: chance(0.8),
  };
};

/** Draws a history from its seed. */
export const planOf = (seed: number): Plan => {
  const random = randomFrom(seed);
  const stories = random.chance(0.85) ? 1 : 2;
  const count = random.between(2, 9);
  // Most stories begin with a request, the others with another server.
  const isOurs = random.chance(0.8);
  const steps = Array.from({ length: count }, (_, index): Step => {
    const story = random.between(0, stories - 1);
    const deed: Deed =
      index === 0 && isOurs ? { kind: 'request', story, isEdited: false } : deedOf(random, story, index);
    return { id: `s${index}`, atMs: index === 0 ? 0 : Math.floor(random.next() ** 2 * CALM_MS), ...deed };
  });
  return {
    seed,
    target: random.chance(0.6) ? 'runpod' : 'worker',
    hasAutoRetry: random.chance(0.3),
    isOld: random.chance(0.1),
    hasFaults: random.chance(0.85),
    stories,
    steps,
  };
};
