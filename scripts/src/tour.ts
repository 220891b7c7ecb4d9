import { deriveErrorCallbackUrl, describeError, isErrorCode } from '@taleback/core';
import { type StoryDraft, type StoryFields, signInReader } from './stack/reader.ts';
import type { Stack } from './stack/stack.ts';

const CLARA = { voiceId: 'slt', voiceName: 'Clara' } as const;

/** The first is narrated. Aesop, in the translation of V. S. Vernon Jones, 1912, public domain. */
const FIRST_STORY: StoryDraft = {
  ...CLARA,
  title: 'The Fox and the Grapes',
  text: 'A hungry Fox saw some fine bunches of Grapes hanging from a vine that was trained along a high trellis, and did his best to reach them by jumping as high as he could into the air. But it was all in vain, for they were just out of reach: so he gave up trying, and walked away with an air of dignity and unconcern, remarking, "I thought those Grapes were ripe, but I see now they are quite sour."',
};

/** This one asks for a voice that nobody has, and fails on purpose. */
const BROKEN_STORY: StoryDraft = {
  voiceId: 'ghost',
  voiceName: 'A voice that does not exist',
  title: 'The North Wind and the Sun',
  text: 'A dispute arose between the North Wind and the Sun, each claiming that he was stronger than the other. At last they agreed to try their powers upon a traveller, to see which could soonest strip him of his cloak. The North Wind had the first try; and, gathering up all his force for the attack, he came whirling furiously down upon the man. But the harder he blew, the closer the man wrapped it round himself. Then came the turn of the Sun. At first he beamed gently upon the traveller, who soon unclasped his cloak. Persuasion is better than force.',
};

/** Left for the newcomer to narrate. Lewis Carroll, 1865, public domain. */
const WAITING_STORY: StoryDraft = {
  ...CLARA,
  title: 'Down the Rabbit-Hole',
  text: 'Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do. Once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, "and what is the use of a book," thought Alice, "without pictures or conversations?"',
};

/** The voice that mends the broken story. */
const MENDING_VOICE = 'slt';

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
