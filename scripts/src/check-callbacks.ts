import { deriveErrorCallbackUrl, isRecord } from '@taleback/core';
import { runScript, sentenceOf } from './command-line.ts';
import { findReceiver, RECEIVER_OPTIONS, type Receiver } from './receiver.ts';

const USAGE = `Tries a callback receiver: endpoint, validation of payloads, construction of addresses.

  npm run check-callbacks -- [--url http://127.0.0.1:5000] [--story ID] [--secret whsec_...]

  --url URL      base address, without /api/tts; default that of the stack which npm start runs
  --story ID     a story to fail for real; without it an unknown story is used and nothing changes
  --secret KEY   default the stack's for an address of the running stack, else the first of CALLBACK_SECRETS; none sends
                 unsigned
`;

/** A story that does not exist, so that trying the endpoint changes nothing. */
const PROBE_STORY = 'taleback-check-callbacks-probe';
const probe = { story_id: PROBE_STORY };

/** A callback to post, the status it has to be answered with, and the field that the answer has to name. */
interface Trial {
  readonly name: string;
  readonly route: string;
  readonly body: unknown;
  readonly status: number;
  readonly names: string;
}

const INVALID = [
  {
    what: 'error-callback without story_id',
    route: 'error-callback',
    body: { error: 'x' },
    names: 'story_id',
  },
  { what: 'error-callback without error', route: 'error-callback', body: probe, names: 'error' },
  {
    what: 'error-callback with a number for a voice',
    route: 'error-callback',
    body: { ...probe, error: 'x', voice_id: 1 },
    names: 'voice_id',
  },
  { what: 'callback without audio', route: 'callback', body: probe, names: 'audio_url' },
  {
    what: 'progress beyond 1',
    route: 'progress',
    body: { ...probe, job_id: 'j', stage: 's', progress: 2 },
    names: 'progress',
  },
] as const;

/** @see docs/origins.md#error-callback-url */
const ADDRESSES = {
  'https://api.example.com/api/tts/callback': 'https://api.example.com/api/tts/error-callback',
  'https://api.example.com/api/tts/generate': 'https://api.example.com/api/tts/error-callback',
  'https://api.example.com/callback': 'https://api.example.com/error-callback',
} as const;

const trialsOf = (storyId: string | undefined): readonly Trial[] => {
  const failure = {
    story_id: storyId ?? PROBE_STORY,
    error: 'Voice profile not found',
    error_details: 'The voice profile file was not found in storage',
    user_id: 'user456',
    voice_id: 'voice789',
    job_id: null,
    metadata: { language: 'en', story_type: 'user', text_length: 1500, error_type: 'voice_profile_missing' },
  };
  const what =
    storyId === undefined ? 'an unknown story is answered 404' : `the story "${storyId}" is failed`;
  const endpoint = { name: `endpoint: ${what}`, status: storyId === undefined ? 404 : 200, names: '' };
  return [
    { ...endpoint, route: 'error-callback', body: failure },
    {
      name: 'an empty error is not refused',
      route: 'error-callback',
      body: { ...probe, error: '' },
      status: 404,
      names: '',
    },
    ...INVALID.map((one) => {
      const name = `validation: ${one.what} is answered 422 and names ${one.names}`;
      return { ...one, name, status: 422 };
    }),
  ];
};

/** What the sentence in an answer says; the beginning of an answer that is not ours. */
const sentenceIn = (text: string): string => {
  try {
    const body = JSON.parse(text) as unknown;
    return isRecord(body) && typeof body['error'] === 'string' ? body['error'] : '';
  } catch {
    return text.slice(0, 100);
  }
};

/** What is wrong with the receiver's answer; undefined when it is right. */
const faultOf = async (trial: Trial, receiver: Receiver): Promise<string | undefined> => {
  const url = `${receiver.url.replace(/\/+$/, '')}/api/tts/${trial.route}`;
  try {
    const answer = await receiver.post(url, JSON.stringify(trial.body));
    const sentence = sentenceIn(await answer.text());
    if (answer.status !== trial.status)
      return `answered ${answer.status} (${sentence}) instead of ${trial.status}`;
    return sentence.includes(trial.names)
      ? undefined
      : `the sentence "${sentence}" does not name ${trial.names}`;
  } catch (error) {
    return sentenceOf(error);
  }
};

const options = { ...RECEIVER_OPTIONS, story: { type: 'string' } } as const;

await runScript({ usage: USAGE, options }, async (flags) => {
  const receiver = await findReceiver(flags, 'pageUrl');
  let failures = 0;
  const report = (name: string, fault: string | undefined): void => {
    failures += Number(fault !== undefined);
    process.stdout.write(fault === undefined ? `ok      ${name}\n` : `FAILED  ${name}: ${fault}\n`);
  };
  for (const trial of trialsOf(flags.story)) report(trial.name, await faultOf(trial, receiver));
  for (const [from, to] of Object.entries(ADDRESSES)) {
    const derived = deriveErrorCallbackUrl(from);
    report(`URL construction: ${from}`, derived === to ? undefined : `gives ${derived} instead of ${to}`);
  }
  process.stdout.write(failures === 0 ? 'All is well.\n' : `${failures} of the checks failed.\n`);
  return failures === 0 ? 0 : 1;
});
