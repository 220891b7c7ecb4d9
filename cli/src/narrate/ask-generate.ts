import {
  createSendOnce,
  type Post,
  type PostAnswer,
  type SendOptions,
} from '@taleback/outbox/src/callbacks-index.ts';
import { CommandFailed } from '../exit-code.ts';

/** The words of `POST /api/tts/generate`. */
export interface GenerateBody {
  readonly story_id: string;
  readonly user_id: string;
  readonly voice_id: string;
  readonly text: string;
  readonly language: string;
  readonly callback_url?: string;
  readonly story_name?: string;
}

export interface AskOptions extends Pick<SendOptions, 'secrets' | 'hmac'> {
  readonly post: Post;
  readonly receiverUrl: string;
}

/** The beginning of an answer may be cut, so it is not parsed as a whole. */
const JOB_ID = /"job_id"\s*:\s*"([^"]+)"/;

/**
 * Asks the receiver to open a job for a story; gives its id.
 *
 * @throws CommandFailed when it does not take it
 */
export const askGenerate = async (
  body: GenerateBody,
  { post, receiverUrl, secrets, hmac }: AskOptions,
): Promise<string | undefined> => {
  let told: PostAnswer | undefined;
  const sendOnce = createSendOnce({
    post: async (...request) => (told = await post(...request)),
    secrets,
    hmac,
    now: Date.now,
  });
  const messageId = `narrate_${crypto.randomUUID()}`;
  const url = `${receiverUrl}/api/tts/generate`;
  const outcome = await sendOnce({ url, messageId, body: Buffer.from(JSON.stringify(body)) });
  switch (outcome.kind) {
    case 'accepted':
      return JOB_ID.exec(told?.excerpt ?? '')?.[1];
    case 'not-accepted':
      throw new CommandFailed(`The receiver answered ${outcome.status}: ${outcome.excerpt}`);
    default:
      throw new CommandFailed(
        `The receiver at ${receiverUrl} cannot be reached: ${outcome.cause}. Should it have taken the story all the same, it is ${body.story_id}.`,
      );
  }
};
