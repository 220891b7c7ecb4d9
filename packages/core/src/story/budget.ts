import { isRecord, numberOf, textOf } from '../json.ts';
import { millisOf } from './story-audio.ts';

/** What one user may have. An absent limit does not hold. */
export interface Budget {
  /** Narrations that are pending or processing. */
  readonly underWay?: number | undefined;
  /** Narrations that are opened on one day (UTC). */
  readonly narrations?: number | undefined;
  /** Characters of their texts. */
  readonly characters?: number | undefined;
  /** Stories, narrated or not. */
  readonly stories?: number | undefined;
}

/** What a user has used. */
export interface Usage {
  /** The end of the lease of each narration under way, by its job id. */
  readonly underWay: Readonly<Record<string, Date>>;
  /** The day that the counts are of, such as `2026-11-30`. */
  readonly day: string | undefined;
  readonly narrations: number;
  readonly characters: number;
}

/** A narration that is about to be opened. */
export interface BudgetRequest {
  readonly jobId: string;
  /** The job that the story had; the new one replaces it. */
  readonly replacedJobId: string | undefined;
  readonly characters: number;
  /** The user's stories, this one included. */
  readonly stories: number;
  readonly nowMs: number;
  readonly leaseMs: number;
}

/**
 * - `granted`: with the usage to write
 * - `refused`: by that limit. The same request fits at `retryAtMs` at the latest; undefined when no time helps
 */
export type BudgetDecision = { readonly kind: 'granted'; readonly usage: CountedUsage } | Refusal;

/** What a user has used, as it is kept. */
export interface CountedUsage extends Usage {
  /** When Firestore deletes it. */
  readonly expiresAt: Date;
}

interface Refusal {
  readonly kind: 'refused';
  readonly limit: keyof Budget;
  readonly retryAtMs: number | undefined;
}

const DAY_MS = 86_400_000;
/** Clocks of instances differ by less: one that is behind does not go back to the day before. */
const MAX_SKEW_MS = 300_000;

/** After the last opening. By then its day is over and its job has ended: RunPod keeps none for more than a week. */
const LIFE_MS = 30 * DAY_MS;

const dayAt = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/**
 * Reads what a user has used; what makes no sense counts as absent.
 *
 * @example
 * readUsage({ day: '2026-11-30', narrations: 2 }).narrations; // 2
 */
export const readUsage = (fields: Readonly<Record<string, unknown>>): Usage => ({
  underWay: Object.fromEntries(
    Object.entries(isRecord(fields['underWay']) ? fields['underWay'] : {}).flatMap(([jobId, value]) => {
      const endMs = millisOf(value);
      return endMs === undefined ? [] : [[jobId, new Date(endMs)]];
    }),
  ),
  day: textOf(fields['day']),
  narrations: numberOf(fields['narrations']) ?? 0,
  characters: numberOf(fields['characters']) ?? 0,
});

/**
 * Decides whether a budget has room for one more narration. Pure: a transaction may repeat it. A narration under way whose
 * lease has expired does not count.
 *
 * @example
 * const request = { jobId: 'j1', replacedJobId: undefined, characters: 900, stories: 1, nowMs: Date.now(), leaseMs: 60_000 };
 * decideBudget(readUsage({}), request, { underWay: 2, narrations: 50 }).kind; // 'granted'
 */
export const decideBudget = (
  usage: Usage,
  { jobId, replacedJobId, characters, stories, nowMs, leaseMs }: BudgetRequest,
  budget: Budget,
): BudgetDecision => {
  const day = usage.day === dayAt(nowMs + MAX_SKEW_MS) ? usage.day : dayAt(nowMs);
  const counts = usage.day === day ? usage : { narrations: 0, characters: 0 };
  const others = Object.entries(usage.underWay).filter(
    ([id, end]) => end.getTime() > nowMs && id !== replacedJobId,
  );
  const next: CountedUsage = {
    underWay: { ...Object.fromEntries(others), [jobId]: new Date(nowMs + leaseMs) },
    day,
    narrations: counts.narrations + 1,
    characters: counts.characters + characters,
    expiresAt: new Date(nowMs + LIFE_MS),
  };

  const {
    underWay: maxUnderWay = Infinity,
    narrations: maxNarrations = Infinity,
    characters: maxCharacters = Infinity,
    stories: maxStories = Infinity,
  } = budget;
  const tomorrowMs = Date.parse(day) + DAY_MS;
  const leaseEnds = others.map(([, end]) => end.getTime()).sort((one, other) => one - other);
  const exceeded: Refusal[] = [];
  const refuse = (limit: keyof Budget, retryAtMs?: number): void =>
    void exceeded.push({ kind: 'refused', limit, retryAtMs });
  if (others.length >= maxUnderWay) refuse('underWay', leaseEnds[others.length - maxUnderWay]);
  if (next.narrations > maxNarrations) refuse('narrations', tomorrowMs);
  if (next.characters > maxCharacters) refuse('characters', tomorrowMs);
  if (characters > maxCharacters) refuse('characters');
  if (stories > maxStories) refuse('stories');
  // The one that holds for longest.
  const endOf = ({ retryAtMs = Infinity }: Refusal): number => retryAtMs;
  const [longest] = exceeded.sort((one, other) => endOf(other) - endOf(one));
  return longest ?? { kind: 'granted', usage: next };
};
