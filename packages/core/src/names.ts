/** What names a deployment may choose. */
export interface NamesOptions {
  /** Added to every name, so that several deployments share a project: 1 to 20 lower-case letters and digits. Default: none. */
  readonly instance?: string | undefined;
  /** Region of the functions. Default `us-central1`. */
  readonly region?: string | undefined;
  /** Field of a story that holds the id of its owner. Default `userId`. */
  readonly ownerField?: string | undefined;
}

const INSTANCE = /^(?:[a-z][a-z0-9]{0,19})?$/;
const REGION = /^[a-z]+-[a-z]+\d{1,2}$/;
const OWNER_FIELD = /^[A-Za-z]\w{0,99}$/;

const check = (name: string, value: string, pattern: RegExp): string => {
  if (!pattern.test(value)) throw new RangeError(`${name}: "${value}" is not a valid name`);
  return value;
};

export type Names = ReturnType<typeof createNames>;

/**
 * Every name that functions, workers, tools and the page have to agree on. With an instance, `stories` becomes
 * `stories_acme`, `tts-jobs` becomes `tts-jobs-acme`, and functions get the prefix that firebase.json gives them.
 *
 * @throws {RangeError} when an option is not a valid name
 * @example
 * createNames().topics.jobs; // 'tts-jobs'
 * createNames({ instance: 'acme' }).collections.stories; // 'stories_acme'
 */
export const createNames = (options: NamesOptions = {}) => {
  const instance = check('instance', options.instance ?? '', INSTANCE);
  const collection = (name: string): string => [name, instance].filter(Boolean).join('_');
  const topic = (name: string): string => [name, instance].filter(Boolean).join('-');
  const functionId = (name: string): string => [instance, name].filter(Boolean).join('-');
  return {
    instance,
    region: check('region', options.region ?? 'us-central1', REGION),
    ownerField: check('ownerField', options.ownerField ?? 'userId', OWNER_FIELD),
    collections: {
      stories: collection('stories'),
      /** Below each story. */
      attempts: collection('audioAttempts'),
      workers: collection('ttsWorkers'),
      voices: collection('ttsVoices'),
      /** Events that are not published yet. */
      owedEvents: collection('ttsOwedEvents'),
      /** What requests of other servers were answered with, for their repetitions. */
      replays: collection('ttsReplays'),
      /** What each user has used of the budget. */
      usage: collection('ttsUsage'),
      /** Stories and users that are being deleted, and were. */
      deletions: collection('ttsDeletions'),
      /** The jobs of each user at RunPod. */
      runpodTurns: collection('ttsRunpodTurns'),
    },
    documents: {
      /** Where the sweep's round through the stories under way stands. */
      sweepRound: `${collection('ttsSweeps')}/round`,
      /** The engines and voices on offer, for every page. */
      voiceMenu: `${collection('ttsVoices')}/menu`,
    },
    topics: {
      jobs: topic('tts-jobs'),
      /** Jobs that no worker could take, each with the reason in its attributes. */
      deadLetters: topic('tts-jobs-dead-letter'),
      /** One event for each narration that ended. */
      events: topic('tts-events'),
    },
    subscriptions: {
      /** Workers pull jobs from it. */
      jobs: topic('tts-jobs-worker'),
    },
    functions: {
      /** `/api/tts/**`. */
      receiver: functionId('tts'),
      request: functionId('requestStoryAudio'),
      retry: functionId('retryStoryAudio'),
      renew: functionId('renewStoryAudio'),
      deleteStory: functionId('deleteStory'),
      deleteMyData: functionId('deleteMyData'),
      sweep: functionId('sweepStories'),
    },
  } as const;
};
