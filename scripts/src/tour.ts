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

/** A busy machine may narrate next to nothing for a while. */
const STORY_TIMEOUT_MS = 180_000;
/** For what has no limit in the client, such as a write; longer than a call and a narration take. */
const STEP_TIMEOUT_MS = 200_000;

/** @throws Error that says what the tour was about when it failed, or took too long */
export const runStep = async <T>(
  doing: string,
  run: () => Promise<T>,
  timeoutMs = STEP_TIMEOUT_MS,
): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  try {
    return await Promise.race([run(), late]);
  } catch (error) {
    throw new Error(`The tour stopped while it ${doing}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
};

const textIn = (story: StoryFields, field: string): string => {
  const value = story[field];
  return typeof value === 'string' ? value : '';
};

const countCallbacks = (attempts: readonly StoryFields[], ending: string): number =>
  attempts.filter((attempt) => {
    const transitions = (attempt['transitions'] ?? {}) as Record<string, { source?: string } | undefined>;
    return transitions[ending]?.source === 'callback';
  }).length;

/**
 * Narrates one story, breaks one on purpose, mends it and tries again, as a signed-in reader.
 *
 * @throws Error in a sentence when a step fails
 */
export const runTour = async (
  { addresses }: Stack,
  userId: string,
  say: (line: string) => void,
): Promise<TourResult> => {
  const reader = await runStep('signed in', () => signInReader(addresses, userId));

  /** Asks, says every change of the story once, and waits for its end. */
  const narrate = async (
    { id, title, wanted }: { readonly id: string; readonly title: string; readonly wanted: string },
    ask: () => Promise<void>,
  ): Promise<StoryFields> => {
    let last = '';
    // Answered when the story is pending, so an older end cannot be taken for the new one.
    await runStep(`asked for "${title}"`, ask);
    const wait = (): Promise<StoryFields> =>
      reader.waitFor(id, ({ audioStatus }) => /^(ready|failed)$/.test(String(audioStatus)), {
        withinMs: STORY_TIMEOUT_MS,
        onChange: (now) => {
          const status = textIn(now, 'audioStatus');
          if (status !== '' && status !== last) say(`"${title}" is ${status}`);
          last = status;
        },
      });
    const story = await runStep(`waited for "${title}"`, wait);
    if (last === wanted) return story;
    const words = ['audioErrorCode', 'audioError', 'audioErrorDetails'].map((field) => textIn(story, field));
    throw new Error(`The tour stopped: "${title}" ended ${last} instead of ${wanted}: ${words.join(' / ')}`);
  };

  try {
    const create = (draft: StoryDraft): Promise<string> =>
      runStep(`wrote "${draft.title}"`, () => reader.createStory(draft));
    const first = await create(FIRST_STORY);
    const broken = await create(BROKEN_STORY);
    await create(WAITING_STORY);
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

    const attempts = (id: string): Promise<readonly StoryFields[]> =>
      runStep('read the attempts', () => reader.attempts(id));
    const [firstAttempts, brokenAttempts] = [await attempts(first), await attempts(broken)];
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
