import { parseSecrets } from '@taleback/core/signatures';
import { createSendOnce, type Post, type PostAnswer } from '@taleback/outbox';
import type { signingOf } from '@taleback/worker/src/config.ts';
import { CommandFailed, StoryGoesOn, UsageError } from '../exit-code.ts';
import type { Environment } from '../options.node.ts';

/** How requests to the receiver are sent and signed. */
export interface Signed {
  readonly signing: ReturnType<typeof signingOf>;
  readonly post: Post;
}

/**
 * What requests for narrations are signed with: every kind of secret that there is. Undefined when there is none.
 *
 * @param given in place of GENERATE_SECRETS
 * @throws UsageError
 */
export const readGenerateSigning = (
  environment: Environment,
  given?: string,
): Signed['signing'] | undefined => {
  try {
    const secrets = parseSecrets(given ?? environment['GENERATE_SECRETS'] ?? '');
    const [secret] = secrets.hmac;
    const prefix = environment['HMAC_HEADER_PREFIX'] || 'taleback';
    const hmac = secret === undefined ? undefined : { secret, prefix };
    return secrets.count === 0 ? undefined : { secrets: secrets.standard, hmac };
  } catch (error) {
    throw new UsageError(`--secret or GENERATE_SECRETS: ${(error as Error).message}`);
  }
};

/** Posts one signed JSON body. @throws Error the cause, when no answer came */
export const postSigned = async (
  { signing, post }: Signed,
  request: { readonly url: string; readonly messageId: string; readonly body: unknown },
  signal?: AbortSignal,
): Promise<{ readonly status: number; readonly excerpt: string }> => {
  let answer: PostAnswer | undefined;
  const sendOnce = createSendOnce({
    post: async (...all) => (answer = await post(...all)),
    ...signing,
    now: Date.now,
  });
  const outcome = await sendOnce({ ...request, body: Buffer.from(JSON.stringify(request.body)) }, signal);
  if (outcome.kind === 'accepted') return { status: answer?.status ?? 200, excerpt: answer?.excerpt ?? '' };
  if (outcome.kind === 'not-accepted') return outcome;
  throw new Error(outcome.cause);
};

/** The body of `POST /api/tts/generate`. */
export interface GenerateBody {
  readonly story_id: string;
  readonly user_id: string;
  readonly voice_id: string;
  readonly text: string;
  readonly language: string;
  readonly callback_url?: string;
  readonly story_name?: string;
}

/** The beginning of an answer may be cut, so it is not parsed as a whole. */
const JOB_ID = /"job_id"\s*:\s*"([^"]+)"/;

/**
 * Requests a job for a story; resolves with its id.
 *
 * @throws CommandFailed when the receiver does not take it
 */
export const requestNarration = async (
  body: GenerateBody,
  receiverUrl: string,
  signed: Signed,
): Promise<string | undefined> => {
  const url = `${receiverUrl}/api/tts/generate`;
  const messageId = `narrate_${crypto.randomUUID()}`;
  const { status, excerpt } = await postSigned(signed, { url, messageId, body }).catch((error: Error) => {
    throw new CommandFailed(
      `The receiver at ${receiverUrl} cannot be reached: ${error.message}. Should it have taken the story all the same, it is ${body.story_id}.`,
    );
  });
  if (status >= 200 && status <= 299) return JOB_ID.exec(excerpt)?.[1];
  const advice = status === 401 ? ' Sign with one of its GENERATE_SECRETS: the variable, or --secret.' : '';
  throw new CommandFailed(`The receiver answered ${status}: ${excerpt}${advice}`);
};

export interface LeftStory {
  readonly storyId: string;
  readonly jobId: string | undefined;
  readonly receiverUrl: string;
  /** HOST:PORT that its callbacks come to. */
  readonly listen: string;
  /** How long was waited, seconds; undefined when it was interrupted. */
  readonly waitedSeconds: number | undefined;
  /** Whether any message of it came. */
  readonly wasHeard: boolean;
}

/** Words as a shell takes them. */
const quoted = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');

/** The command that waits for a story again, at the address its callbacks come to. */
export const followCommand = ({ storyId, receiverUrl, listen }: LeftStory): string =>
  `taleback narrate --follow ${quoted(['--story', storyId, '--receiver', receiverUrl, '--listen', listen])}`;

/** Ends a command whose story goes on, and says where its end will be found. */
export const storyGoesOn = (left: LeftStory): StoryGoesOn => {
  const { storyId, jobId, receiverUrl, waitedSeconds, wasHeard } = left;
  const why = waitedSeconds === undefined ? '' : `No end was heard of within ${waitedSeconds} s. `;
  const job = jobId === undefined ? '' : ` (job ${jobId})`;
  const silent =
    'Nothing was heard of it: does a worker run, and may it call back here (ALLOW_PRIVATE_CALLBACKS=on)?';
  return new StoryGoesOn(`${why}The story ${storyId}${job} goes on without us.`, [
    ...(wasHeard || waitedSeconds === undefined ? [] : [silent]),
    `Look again: ${followCommand(left)}`,
    'Until then its end waits in the outbox of the worker, for CALLBACK_DEADLINE_HOURS, and then in failed_callbacks/ of',
    `the audio store: taleback replay ${quoted(['--story', storyId, '--receiver', receiverUrl])}`,
  ]);
};
