import { deriveErrorCallbackUrl, describeError, isErrorCode } from '@taleback/core';
import { type StoryDraft, type StoryFields, signInReader } from './stack/reader.ts';
import type { Stack } from './stack/stack.ts';
import stories from './tour.json' with { type: 'json' };

/**
 * `first` is narrated: Aesop, in the translation of V. S. Vernon Jones, 1912, as is `broken`, whose voice does not exist, so
 * that it fails on purpose. `waiting` is left for the newcomer to narrate: Lewis Carroll, 1865. All are in the public domain.
 */
const { first: FIRST_STORY, broken: BROKEN_STORY, waiting: WAITING_STORY } = stories;
/** The voice that mends the broken story. */
const MENDING_VOICE = 'slt';

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
export const runTour = async ({ addresses }: Stack, userId: string, say: (line: string) => void) => {
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
      /** `millis`: from the first request to the end. */
      stories: [
        { id: first, status: 'ready', millis: firstMillis, attempts: firstAttempts.length },
        { id: broken, status: 'ready', millis: brokenMillis, attempts: brokenAttempts.length },
      ],
      /** Of each kind that the receiver applied. */
      callbacks: { success: countCallbacks(all, 'ready'), error: countCallbacks(all, 'failed') },
    };
  } finally {
    await reader.close();
  }
};
