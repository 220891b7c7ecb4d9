import { callbackChecks, type PostCallback } from './callback-checks.ts';
import { parseCommandLine, runScript, UsageError } from './command-line.ts';
import { chooseSecret, postSigned } from './receiver.ts';
import { findStack } from './stack/addresses.ts';

const USAGE = `Tries a callback receiver: endpoint, validation of payloads, construction of addresses.

  npm run check-callbacks -- [--url http://127.0.0.1:5000] [--story ID] [--secret whsec_...]

  --url URL      base address, without /api/tts; default that of the stack which npm start runs
  --story ID     a story to fail for real; without it an unknown story is used and nothing changes
  --secret KEY   default the first of CALLBACK_SECRETS, else the running stack's; none sends unsigned
`;

const { values: flags } = parseCommandLine({
  usage: USAGE,
  options: { url: { type: 'string' }, story: { type: 'string' }, secret: { type: 'string' } },
});

const postTo =
  (baseUrl: string, secret: string | undefined): PostCallback =>
  async (path, body) => {
    const url = `${baseUrl.replace(/\/+$/, '')}/api/tts/${path}`;
    const answer = await postSigned(url, JSON.stringify(body), secret);
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text) as unknown };
    } catch {
      return { status: answer.status, body: { error: text.slice(0, 100) } };
    }
  };

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

await runScript(USAGE, async () => {
  const stack = flags.url === undefined ? await findStack() : undefined;
  const baseUrl = flags.url ?? stack?.pageUrl;
  if (baseUrl === undefined || !URL.canParse(baseUrl))
    throw new UsageError('--url: an address is required while no stack runs (npm start)');
  const post = postTo(baseUrl, chooseSecret(flags.secret, stack?.secret));
  let failures = 0;
  for (const check of callbackChecks(post, flags.story)) {
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
});
