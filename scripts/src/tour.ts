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

/** The first function of each kind starts a process in the emulator, which takes seconds on a busy machine. */
const STORY_TIMEOUT_MS = 90_000;

const textIn = (story: StoryFields, field: string): string => {
  const value = story[field];
  return typeof value === 'string' ? value : '';
};

const countCallbacks = (attempts: readonly StoryFields[], ending: string): number =>
  attempts.filter((attempt) => {
    const transitions = (attempt['transitions'] ?? {}) as Record<string, { source?: string } | undefined>;
    return transitions[ending]?.source === 'callback';
  }).length;

/** Narrates one story, breaks one on purpose, mends it and tries again, as a signed-in reader. */
export const runTour = async (
  { addresses }: Stack,
  userId: string,
  say: (line: string) => void,
): Promise<TourResult> => {
  const reader = await signInReader(addresses, userId);

  /** Asks, says every change of the story once, and waits for its end. */
  const narrate = async (
    { id, title, wanted }: { readonly id: string; readonly title: string; readonly wanted: string },
    ask: () => Promise<void>,
  ): Promise<StoryFields> => {
    let last = '';
    await ask(); // answered when the story is pending, so an older end cannot be taken for the new one
    const story = await reader.waitFor(
      id,
      ({ audioStatus }) => /^(ready|failed)$/.test(String(audioStatus)),
      {
        withinMs: STORY_TIMEOUT_MS,
        onChange: (now) => {
          const status = textIn(now, 'audioStatus');
          if (status !== '' && status !== last) say(`"${title}" is ${status}`);
          last = status;
        },
      },
    );
    if (last === wanted) return story;
    const words = ['audioErrorCode', 'audioError', 'audioErrorDetails'].map((field) => textIn(story, field));
    throw new Error(`"${title}" ended ${last} instead of ${wanted}: ${words.join(' / ')}`);
  };

  try {
    const first = await reader.createStory(FIRST_STORY);
    const broken = await reader.createStory(BROKEN_STORY);
    await reader.createStory(WAITING_STORY);
    say(`Seeded three stories for the reader "${userId}"`);

    const firstSince = Date.now();
    const { title } = FIRST_STORY;
    const ready = await narrate({ id: first, title, wanted: 'ready' }, () => reader.request(first));
    const seconds = (Number(ready['audioDurationMs']) / 1000).toFixed(1);
    say(`  ${seconds} s of audio at ${textIn(ready, 'audioUrl')}`);
    const firstMillis = Date.now() - firstSince;

    const brokenSince = Date.now();
    const breaking = { id: broken, title: BROKEN_STORY.title };
    const failure = await narrate({ ...breaking, wanted: 'failed' }, () => reader.request(broken));
    const { audioErrorCode: code } = failure;
    const { sentence, nextStep } = describeError(isErrorCode(code) ? code : 'unknown');
    say(`  the worker posted to  ${deriveErrorCallbackUrl(addresses.callbackUrl)}`);
    say(`  in its words          ${textIn(failure, 'audioError')}`);
    say(`  details               ${textIn(failure, 'audioErrorDetails')}`);
    say(`  the page says         ${sentence} ${nextStep}`);
    say(`Trying again with the voice "${MENDING_VOICE}"`);
    await narrate({ ...breaking, wanted: 'ready' }, () => reader.retry(broken, MENDING_VOICE));
    const brokenMillis = Date.now() - brokenSince;

    const [firstAttempts, brokenAttempts] = [await reader.attempts(first), await reader.attempts(broken)];
    const all = [...firstAttempts, ...brokenAttempts];
    return {
      stories: [
        { id: first, status: 'ready', millis: firstMillis, attempts: firstAttempts.length },
        { id: broken, status: 'ready', millis: brokenMillis, attempts: brokenAttempts.length },
      ],
      callbacks: { success: countCallbacks(all, 'ready'), error: countCallbacks(all, 'failed') },
    };
  } finally {
    await reader.close();
  }
};
