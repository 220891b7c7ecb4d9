import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { deriveErrorCallbackUrl, deriveProgressUrl } from '@taleback/core';
import { parseSecret, signStandard } from '@taleback/core/signatures';
import { findStack } from './stack/index.ts';

const USAGE = `Posts one signed callback, as a worker would.

  npm run send-callback -- --story ID --error "Voice profile not found" [--details TEXT]
  npm run send-callback -- --story ID --audio-url https://... [--duration-ms 1200]
  npm run send-callback -- --story ID --job ID --progress 0.5 [--stage synthesizing]

  --url URL       success-callback address; default that of the stack which npm start runs
  --job ID        job id
  --user ID, --voice ID, --metadata JSON
  --secret KEY    whsec_...; default the first of CALLBACK_SECRETS, else the running stack's; none sends unsigned
`;

const { values: flags } = parseArgs({
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
    help: { type: 'boolean', default: false },
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
    throw new Error('--metadata: must be JSON');
  }
};

const toMessage = (callbackUrl: string): Message => {
  if (flags.story === undefined) throw new Error('--story: is required');
  const common = { story_id: flags.story, job_id: flags.job ?? null };
  const about = { user_id: flags.user ?? null, voice_id: flags.voice ?? null, metadata: parseMetadata() };
  if (flags.error !== undefined) {
    const body = { ...common, ...about, error: flags.error, error_details: flags.details ?? null };
    return { url: deriveErrorCallbackUrl(callbackUrl), body };
  }
  if (flags['audio-url'] !== undefined) {
    const duration = flags['duration-ms'] === undefined ? null : Number(flags['duration-ms']);
    return {
      url: callbackUrl,
      body: { ...common, ...about, audio_url: flags['audio-url'], duration_ms: duration },
    };
  }
  if (flags.progress !== undefined) {
    const body = { ...common, stage: flags.stage, progress: Number(flags.progress) };
    return { url: deriveProgressUrl(callbackUrl), body };
  }
  throw new Error('one of --error, --audio-url and --progress is required');
};

const send = async (): Promise<number> => {
  const stack = flags.url === undefined ? await findStack() : undefined;
  const callbackUrl = flags.url ?? stack?.callbackUrl;
  if (callbackUrl === undefined) throw new Error('--url: is required while no stack runs (npm start)');
  const { url, body } = toMessage(callbackUrl);
  const raw = Buffer.from(JSON.stringify(body));
  const secret = flags.secret ?? process.env['CALLBACK_SECRETS']?.split(',')[0]?.trim() ?? stack?.secret;
  const signed = secret
    ? signStandard({ id: `hand_${randomUUID()}`, timestampSeconds: Date.now() / 1000, body: raw }, [
        parseSecret(secret),
      ])
    : {};
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed },
    body: raw,
    redirect: 'manual',
  });
  process.stdout.write(`POST ${url}\n${raw.toString('utf8')}\n${answer.status} ${await answer.text()}\n`);
  return answer.ok ? 0 : 1;
};

if (flags.help) {
  process.stdout.write(USAGE);
} else {
  try {
    process.exitCode = await send();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    process.stderr.write(
      `send-callback: ${error instanceof Error ? error.message : String(error)}${cause}\n\n${USAGE}`,
    );
    process.exitCode = 2;
  }
}
