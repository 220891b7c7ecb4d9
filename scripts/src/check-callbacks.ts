import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseSecret, signStandard } from '@taleback/core/signatures';
import { callbackChecks, type PostCallback } from './check-callbacks/checks.ts';
import { findStack } from './stack/index.ts';

const USAGE = `Tries a callback receiver: endpoint, validation of payloads, construction of addresses.

  npm run check-callbacks -- [--url http://127.0.0.1:5000] [--story ID] [--secret whsec_...]

  --url URL      base address, without /api/tts; default that of the stack which npm start runs
  --story ID     a story to fail for real; without it an unknown story is used and nothing changes
  --secret KEY   default the first of CALLBACK_SECRETS, else the running stack's; none sends unsigned
`;

const { values: flags } = parseArgs({
  options: {
    url: { type: 'string' },
    story: { type: 'string' },
    secret: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const TIMEOUT_MS = 10_000;

const signedPost = (baseUrl: string, secret: string | undefined): PostCallback => {
  const keys = secret ? [parseSecret(secret)] : [];
  return async (path, body) => {
    const raw = Buffer.from(JSON.stringify(body));
    const id = `check_${randomUUID()}`;
    const signed =
      keys.length === 0 ? {} : signStandard({ id, timestampSeconds: Date.now() / 1000, body: raw }, keys);
    const answer = await fetch(`${baseUrl.replace(/\/+$/, '')}/api/tts/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body: raw,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text) as unknown };
    } catch {
      return { status: answer.status, body: { error: text.slice(0, 100) } };
    }
  };
};

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

const runChecks = async (baseUrl: string, stackSecret: string | undefined): Promise<number> => {
  const secret = flags.secret ?? process.env['CALLBACK_SECRETS']?.split(',')[0]?.trim() ?? stackSecret;
  let failures = 0;
  for (const check of callbackChecks(signedPost(baseUrl, secret), flags.story)) {
    let fault: string | undefined;
    try {
      fault = await check.run();
    } catch (error) {
      fault = describe(error);
    }
    if (fault !== undefined) failures += 1;
    process.stdout.write(
      `${fault === undefined ? 'ok    ' : 'FAILED'}  ${check.name}${fault ? `: ${fault}` : ''}\n`,
    );
  }
  process.stdout.write(failures === 0 ? 'All is well.\n' : `${failures} of the checks failed.\n`);
  return failures === 0 ? 0 : 1;
};

const stack = flags.url === undefined ? await findStack() : undefined;
const baseUrl = flags.url ?? stack?.pageUrl;
if (flags.help || baseUrl === undefined) {
  process.stdout.write(USAGE);
  process.exitCode = flags.help ? 0 : 2;
} else {
  process.exitCode = await runChecks(baseUrl, stack?.secret);
}
