import { deriveErrorCallbackUrl, deriveProgressUrl, parseJson } from '@taleback/core';
import { parseNumber, runScript, UsageError } from './command-line.ts';
import { findReceiver, RECEIVER_OPTIONS } from './receiver.ts';

const USAGE = `Posts one signed callback, as a worker would.

  npm run send-callback -- --story ID --error "Voice profile not found" [--details TEXT]
  npm run send-callback -- --story ID --audio-url https://... [--duration-ms 1200]
  npm run send-callback -- --story ID --job ID --progress 0.5 [--stage synthesizing]

  --url URL       success-callback address; default that of the stack which npm start runs
  --job ID        job id
  --user ID, --voice ID, --metadata JSON
  --secret KEY    whsec_...; default the stack's for an address of the running stack, else the first of
                  CALLBACK_SECRETS; none sends unsigned
`;
const OPTIONS = {
  ...RECEIVER_OPTIONS,
  story: { type: 'string' },
  job: { type: 'string' },
  user: { type: 'string' },
  voice: { type: 'string' },
  error: { type: 'string' },
  details: { type: 'string' },
  'audio-url': { type: 'string' },
  'duration-ms': { type: 'string' },
  progress: { type: 'string' },
  stage: { type: 'string', default: 'synthesizing' },
  metadata: { type: 'string' },
} as const;

/** No narration is longer than a day. */
const MAX_DURATION_MS = 86_400_000;

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const { story, job, user, voice, error, details, 'audio-url': audioUrl, stage } = flags;
  const numberIn = (name: 'duration-ms' | 'progress', max: number): number | null => {
    const text = flags[name];
    return text === undefined ? null : parseNumber(name, text, [0, max]);
  };
  if (story === undefined) throw new UsageError('--story: is required');
  const durationMs = numberIn('duration-ms', MAX_DURATION_MS);
  const progress = numberIn('progress', 1);
  const metadata = parseJson(flags.metadata ?? 'null');
  if (metadata === undefined) throw new UsageError('--metadata: must be JSON');
  if ([error, audioUrl, flags.progress].filter((value) => value !== undefined).length !== 1)
    throw new UsageError('one of --error, --audio-url and --progress is required');
  const receiver = await findReceiver(flags, 'callbackUrl');

  const job_id = job ?? null;
  const narration = { story_id: story, job_id, user_id: user ?? null, voice_id: voice ?? null, metadata };
  let url = receiver.url;
  let message: object = { ...narration, audio_url: audioUrl, duration_ms: durationMs };
  if (error !== undefined) {
    url = deriveErrorCallbackUrl(url);
    message = { ...narration, error, error_details: details ?? null };
  } else if (progress !== null) {
    url = deriveProgressUrl(url);
    message = { story_id: story, job_id, stage, progress };
  }
  const body = JSON.stringify(message);
  const answer = await receiver.post(url, body);
  process.stdout.write(`POST ${url}\n${body}\n${answer.status} ${await answer.text()}\n`);
  return answer.ok ? 0 : 1;
});
