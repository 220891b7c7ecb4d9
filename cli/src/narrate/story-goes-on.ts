import { StoryGoesOn } from '../exit-code.ts';

/** What is known of a story that is left. */
export interface LeftStory {
  readonly storyId: string;
  readonly jobId: string | undefined;
  readonly receiverUrl: string;
  /** HOST:PORT that its callbacks come to. */
  readonly listen: string;
  /** How long was waited, seconds; undefined when somebody broke it off. */
  readonly waitedSeconds: number | undefined;
  /** Whether anything was heard of it. */
  readonly wasHeard: boolean;
}

/** A word as a shell takes it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

const command = (...words: string[]): string => words.map(quoted).join(' ');

/** How a story is waited for again, where its callbacks come to. */
export const followCommand = ({ storyId, receiverUrl, listen }: LeftStory): string =>
  command(
    'taleback',
    'narrate',
    '--follow',
    '--story',
    storyId,
    '--receiver',
    receiverUrl,
    '--listen',
    listen,
  );

/** Ends a command whose story goes on, and says where its end will be found. */
export const storyGoesOn = (left: LeftStory): StoryGoesOn => {
  const { storyId, jobId, receiverUrl, waitedSeconds, wasHeard } = left;
  const why = waitedSeconds === undefined ? '' : `No end was heard of within ${waitedSeconds} s. `;
  const job = jobId === undefined ? '' : ` (job ${jobId})`;
  const sentence = `${why}The story ${storyId}${job} goes on without us.`;
  const silent =
    'Nothing was heard of it: does a worker run, and may it call back here (ALLOW_PRIVATE_CALLBACKS=on)?';
  const replay = command('taleback', 'replay', '--story', storyId, '--receiver', receiverUrl);
  return new StoryGoesOn(sentence, [
    ...(wasHeard || waitedSeconds === undefined ? [] : [silent]),
    `Look again: ${followCommand(left)}`,
    'Until then its end waits in the outbox of the worker, for CALLBACK_DEADLINE_HOURS, and then in failed_callbacks/ of',
    `the audio store: ${replay}`,
  ]);
};
