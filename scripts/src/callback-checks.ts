import { deriveErrorCallbackUrl } from '@taleback/core';

/** One thing that is tried, and what is wrong when something is. */
export interface CallbackCheck {
  readonly name: string;
  readonly run: () => Promise<string | undefined> | string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export type PostCallback = (path: string, body: unknown) => Promise<Answer>;

/** A story that does not exist, so that trying the endpoint changes nothing. */
const PROBE_STORY = 'taleback-check-callbacks-probe';

const errorOf = (answer: Answer): string => {
  const { error } = (answer.body ?? {}) as { error?: unknown };
  return typeof error === 'string' ? error : '';
};

const expectAnswer = (answer: Answer, statuses: readonly number[], mentions?: string): string | undefined => {
  if (!statuses.includes(answer.status)) {
    return `answered ${answer.status} (${errorOf(answer)}) instead of ${statuses.join(' or ')}`;
  }
  if (mentions !== undefined && !errorOf(answer).includes(mentions)) {
    return `the sentence "${errorOf(answer)}" does not name ${mentions}`;
  }
  return undefined;
};

const endpoint = (post: PostCallback, storyId: string | undefined): CallbackCheck[] => {
  const error = 'Voice profile not found';
  const full = {
    story_id: storyId ?? PROBE_STORY,
    error,
    error_details: 'The voice profile file was not found in storage',
    // A user who does not own the story would be answered 404.
    user_id: storyId === undefined ? 'user456' : null,
    voice_id: 'voice789',
    job_id: null,
    metadata: { language: 'en', story_type: 'user', text_length: 1500, error_type: 'voice_profile_missing' },
  };
  const expected = storyId === undefined ? [404] : [200];
  const kind =
    storyId === undefined ? 'an unknown story is answered 404' : `the story "${storyId}" is failed`;
  return [
    {
      name: `endpoint: ${kind}`,
      run: async () => expectAnswer(await post('error-callback', full), expected),
    },
  ];
};

const validation = (post: PostCallback): CallbackCheck[] => {
  const cases: readonly [string, string, unknown, string][] = [
    ['error-callback without story_id', 'error-callback', { error: 'x' }, 'story_id'],
    ['error-callback without error', 'error-callback', { story_id: PROBE_STORY }, 'error'],
    ['error-callback with an empty error', 'error-callback', { story_id: PROBE_STORY, error: '' }, 'error'],
    [
      'error-callback with a number for a voice',
      'error-callback',
      { story_id: PROBE_STORY, error: 'x', voice_id: 1 },
      'voice_id',
    ],
    ['callback without audio', 'callback', { story_id: PROBE_STORY }, 'audio_url'],
    [
      'progress beyond 1',
      'progress',
      { story_id: PROBE_STORY, job_id: 'j', stage: 's', progress: 2 },
      'progress',
    ],
  ];
  return cases.map(([name, path, body, field]) => ({
    name: `validation: ${name} is answered 422 and names ${field}`,
    run: async () => expectAnswer(await post(path, body), [422], field),
  }));
};

/** @see docs/origins.md#error-callback-url */
const EXAMPLES: readonly [string, string][] = [
  ['https://api.example.com/api/tts/callback', 'https://api.example.com/api/tts/error-callback'],
  ['https://api.example.com/api/tts/generate', 'https://api.example.com/api/tts/error-callback'],
  ['https://api.example.com/callback', 'https://api.example.com/error-callback'],
];

const construction = (): CallbackCheck[] =>
  EXAMPLES.map(([from, to]) => ({
    name: `URL construction: ${from}`,
    run: () => {
      const derived = deriveErrorCallbackUrl(from);
      return derived === to ? undefined : `gives ${derived} instead of ${to}`;
    },
  }));

/**
 * The checks of the original test script: the endpoint, the validation of payloads, and the construction of
 * addresses.
 *
 * @param storyId a story to fail for real; without one, nothing is changed anywhere
 */
export const callbackChecks = (post: PostCallback, storyId?: string): CallbackCheck[] => [
  ...endpoint(post, storyId),
  ...validation(post),
  ...construction(),
];
