import { deriveErrorCallbackUrl, deriveProgressUrl } from '@taleback/core';
import { parseNumber, runScript, UsageError } from './command-line.ts';
import { findReceiver, RECEIVER_OPTIONS } from './receiver.ts';

const USAGE = `Posts one signed callback, as a worker would.

  npm run send-callback -- --story ID --error "Voice profile not found" [--details TEXT]
  npm run send-callback -- --story ID --audio-url https://... [--duration-ms 1200]
  npm run send-callback -- --story ID --job ID --progress 0.5 [--stage synthesizing]

  --url URL       success-callback address; default that of the stack which npm start runs
  --job ID        job id
  --user ID, --voice ID, --metadata JSON
  --secret KEY    whsec_...; default the first of CALLBACK_SECRETS, else the running stack's; none sends unsigned
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

const parseMetadata = (text: string | undefined): unknown => {
  try {
    return text === undefined ? null : (JSON.parse(text) as unknown);
  } catch {
    throw new UsageError('--metadata: must be JSON');
  }
};

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const receiver = await findReceiver(flags, 'callbackUrl');
  const { error, 'audio-url': audioUrl, progress, 'duration-ms': duration } = flags;
  if (flags.story === undefined) throw new UsageError('--story: is required');
  const story = { story_id: flags.story, job_id: flags.job ?? null };
  const metadata = parseMetadata(flags.metadata);
  const narration = { ...story, user_id: flags.user ?? null, voice_id: flags.voice ?? null, metadata };

  let message: { readonly url: string; readonly body: object };
  if (error !== undefined) {
    const body = { ...narration, error, error_details: flags.details ?? null };
    message = { url: deriveErrorCallbackUrl(receiver.url), body };
  } else if (audioUrl !== undefined) {
    const durationMs =
      duration === undefined ? null : parseNumber('duration-ms', duration, [0, MAX_DURATION_MS]);
    message = { url: receiver.url, body: { ...narration, audio_url: audioUrl, duration_ms: durationMs } };
  } else if (progress !== undefined) {
    const body = { ...story, stage: flags.stage, progress: parseNumber('progress', progress, [0, 1]) };
    message = { url: deriveProgressUrl(receiver.url), body };
  } else throw new UsageError('one of --error, --audio-url and --progress is required');

  const body = JSON.stringify(message.body);
  const answer = await receiver.post(message.url, body);
  process.stdout.write(`POST ${message.url}\n${body}\n${answer.status} ${await answer.text()}\n`);
  return answer.ok ? 0 : 1;
});
