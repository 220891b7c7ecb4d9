import { deriveErrorCallbackUrl, deriveProgressUrl } from '@taleback/core';
import { parseCommandLine, runScript, UsageError } from './command-line.ts';
import { chooseSecret, postSigned } from './receiver.ts';
import { findStack } from './stack/addresses.ts';

const USAGE = `Posts one signed callback, as a worker would.

  npm run send-callback -- --story ID --error "Voice profile not found" [--details TEXT]
  npm run send-callback -- --story ID --audio-url https://... [--duration-ms 1200]
  npm run send-callback -- --story ID --job ID --progress 0.5 [--stage synthesizing]

  --url URL       success-callback address; default that of the stack which npm start runs
  --job ID        job id
  --user ID, --voice ID, --metadata JSON
  --secret KEY    whsec_...; default the first of CALLBACK_SECRETS, else the running stack's; none sends unsigned
`;

const { values: flags } = parseCommandLine({
  usage: USAGE,
  options: {
    url: { type: 'string' },
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
    secret: { type: 'string' },
  },
});

interface Message {
  readonly url: string;
  readonly body: Record<string, unknown>;
}

const parseMetadata = (): unknown => {
  if (flags.metadata === undefined) return null;
  try {
    return JSON.parse(flags.metadata) as unknown;
  } catch {
    throw new UsageError('--metadata: must be JSON');
  }
};

const toMessage = (callbackUrl: string): Message => {
  if (flags.story === undefined) throw new UsageError('--story: is required');
  const common = { story_id: flags.story, job_id: flags.job ?? null };
  const about = { user_id: flags.user ?? null, voice_id: flags.voice ?? null, metadata: parseMetadata() };
  if (flags.error !== undefined) {
    const body = { ...common, ...about, error: flags.error, error_details: flags.details ?? null };
    return { url: deriveErrorCallbackUrl(callbackUrl), body };
  }
  if (flags['audio-url'] !== undefined) {
    const duration = flags['duration-ms'] === undefined ? null : Number(flags['duration-ms']);
    const body = { ...common, ...about, audio_url: flags['audio-url'], duration_ms: duration };
    return { url: callbackUrl, body };
  }
  if (flags.progress !== undefined) {
    const body = { ...common, stage: flags.stage, progress: Number(flags.progress) };
    return { url: deriveProgressUrl(callbackUrl), body };
  }
  throw new UsageError('one of --error, --audio-url and --progress is required');
};

await runScript(USAGE, async () => {
  const stack = flags.url === undefined ? await findStack() : undefined;
  const callbackUrl = flags.url ?? stack?.callbackUrl;
  if (callbackUrl === undefined || !URL.canParse(callbackUrl))
    throw new UsageError('--url: an address is required while no stack runs (npm start)');
  const { url, body } = toMessage(callbackUrl);
  const raw = JSON.stringify(body);
  const answer = await postSigned(url, raw, chooseSecret(flags.secret, stack?.secret));
  process.stdout.write(`POST ${url}\n${raw}\n${answer.status} ${await answer.text()}\n`);
  return answer.ok ? 0 : 1;
});
