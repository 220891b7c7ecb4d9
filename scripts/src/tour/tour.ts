import { deriveErrorCallbackUrl, describeError, isErrorCode } from '@taleback/core';
import { type Stack, type StoryDraft, type StoryFields, signInReader } from '../stack/index.ts';
import { BROKEN_STORY, FIRST_STORY, MENDING_VOICE, WAITING_STORY } from './stories.ts';

export interface StoryResult {
  readonly id: string;
  readonly status: string;
  /** From the first request to the end. */
  readonly millis: number;
  readonly attempts: number;
}

export interface TourResult {
  readonly stories: readonly StoryResult[];
  /** Callbacks of each kind that the receiver applied. */
  readonly callbacks: { readonly success: number; readonly error: number };
}

export type Say = (line: string) => void;

/** The first function of each kind starts a process in the emulator, which takes seconds on a busy machine. */
const STORY_TIMEOUT_MS = 90_000;

const status = (story: StoryFields): string => String(story['audioStatus']);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Says every change of a story once. */
const narrator = (title: string, say: Say): ((story: StoryFields) => void) => {
  let last = '';
  return (story) => {
    if (story['audioStatus'] === undefined || status(story) === last) return;
    last = status(story);
    say(`"${title}" is ${last}`);
  };
};

const explainFailure = (story: StoryFields, callbackUrl: string, say: Say): void => {
  const { audioErrorCode: code } = story;
  const entry = describeError(isErrorCode(code) ? code : 'unknown');
  say(`  the worker posted to  ${deriveErrorCallbackUrl(callbackUrl)}`);
  say(`  in its words          ${text(story['audioError'])}`);
  say(`  details               ${text(story['audioErrorDetails'])}`);
  say(`  the page says         ${entry.sentence} ${entry.nextStep}`);
};

const expectStatus = (story: StoryFields, wanted: string, draft: StoryDraft): void => {
  if (status(story) === wanted) return;
  const words = [story['audioErrorCode'], story['audioError'], story['audioErrorDetails']]
    .map(text)
    .join(' / ');
  throw new Error(`"${draft.title}" ended ${status(story)} instead of ${wanted}: ${words}`);
};

const isOver = (story: StoryFields): boolean => status(story) === 'ready' || status(story) === 'failed';

const countCallbacks = (attempts: readonly StoryFields[], ending: string): number =>
  attempts.filter((attempt) => {
    const transitions = (attempt['transitions'] ?? {}) as Record<string, { source?: string } | undefined>;
    return transitions[ending]?.source === 'callback';
  }).length;

/** Narrates one story, breaks one on purpose, mends it and tries again, as a signed-in reader. */
export const runTour = async (stack: Stack, userId: string, say: Say): Promise<TourResult> => {
  const reader = await signInReader(stack.addresses, userId);
  try {
    const first = await reader.createStory(FIRST_STORY);
    const broken = await reader.createStory(BROKEN_STORY);
    await reader.createStory(WAITING_STORY);
    say(`Seeded three stories for the reader "${userId}"`);

    const narrate = async (id: string, draft: StoryDraft, ask: () => Promise<void>): Promise<StoryFields> => {
      await ask(); // answered when the story is pending, so an older end cannot be taken for the new one
      return reader.waitFor(id, isOver, { withinMs: STORY_TIMEOUT_MS, onChange: narrator(draft.title, say) });
    };

    const firstSince = Date.now();
    const firstEnd = await narrate(first, FIRST_STORY, () => reader.request(first));
    expectStatus(firstEnd, 'ready', FIRST_STORY);
    say(
      `  ${(Number(firstEnd['audioDurationMs']) / 1000).toFixed(1)} s of audio at ${text(firstEnd['audioUrl'])}`,
    );
    const firstMillis = Date.now() - firstSince;

    const brokenSince = Date.now();
    const failure = await narrate(broken, BROKEN_STORY, () => reader.request(broken));
    expectStatus(failure, 'failed', BROKEN_STORY);
    explainFailure(failure, stack.addresses.callbackUrl, say);
    say(`Trying again with the voice "${MENDING_VOICE}"`);
    const mended = await narrate(broken, BROKEN_STORY, () => reader.retry(broken, MENDING_VOICE));
    expectStatus(mended, 'ready', BROKEN_STORY);
    const brokenMillis = Date.now() - brokenSince;

    const firstAttempts = await reader.attempts(first);
    const brokenAttempts = await reader.attempts(broken);
    const all = [...firstAttempts, ...brokenAttempts];
    return {
      stories: [
        { id: first, status: status(firstEnd), millis: firstMillis, attempts: firstAttempts.length },
        { id: broken, status: status(mended), millis: brokenMillis, attempts: brokenAttempts.length },
      ],
      callbacks: { success: countCallbacks(all, 'ready'), error: countCallbacks(all, 'failed') },
    };
  } finally {
    await reader.close();
  }
};
