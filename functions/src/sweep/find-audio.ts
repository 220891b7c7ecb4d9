import { audioKey, isNarrationKey } from '@taleback/core/storage';

/** The answer to a HEAD request. */
export interface AudioProbeAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  /** NaN when it is not known. */
  readonly sizeBytes: number;
}

/** Requests an address without its body; rejects when no answer comes. */
export type AudioProbe = (url: string) => Promise<AudioProbeAnswer>;

/** A store of audio. */
export interface AudioPlace {
  /** Looks for audio without reading it; rejects when the answer says neither yes nor no. */
  readonly probe: (key: string) => Promise<AudioProbeAnswer>;
  /** Where it can be played. */
  readonly urlOf: (key: string) => Promise<string>;
}

/** Nothing else than a narration is played. @throws RangeError for other keys */
export const refuseUnlessNarration = (key: string): void => {
  if (!isNarrationKey(key)) throw new RangeError('this is not the place of a narration');
};

/** Whose audio is looked for. */
export interface SoughtAudio {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly language: string | undefined;
  /** Ids that the worker may have named the job by, ours and RunPod's. */
  readonly jobIds: readonly string[];
}

/** `unknown`: the store gave no usable answer. */
export type FoundAudio =
  | { readonly kind: 'found'; readonly audioUrl: string; readonly storagePath: string }
  | { readonly kind: 'absent' | 'unknown' };

/** Finds audio that was made although its callback never came. */
export type AudioFinder = (sought: SoughtAudio) => Promise<FoundAudio>;

/** The worker's language for a story without one. */
const DEFAULT_LANGUAGE = 'en';

const addressOf = (baseUrl: string, key: string): string =>
  `${baseUrl}/${key.split('/').map(encodeURIComponent).join('/')}`;

const judge = ({ status, contentType, sizeBytes }: AudioProbeAnswer): FoundAudio['kind'] => {
  if (status === 404 || status === 410) return 'absent';
  // Without the permission to list, buckets answer 403 for what is missing. A page of HTML is no audio either.
  if (status === 403) return 'absent';
  if (status !== 200) return 'unknown';
  return (contentType ?? '').startsWith('audio/') && sizeBytes !== 0 ? 'found' : 'absent';
};

/** Looks where the worker would have put the audio. */
export const createAudioFinder =
  ({ probe, urlOf }: AudioPlace): AudioFinder =>
  async ({ storyId, userId, language, jobIds }) => {
    let isSure = true;
    for (const version of jobIds) {
      const storagePath = audioKey({ userId, storyId, language: language ?? DEFAULT_LANGUAGE, version });
      const kind = await probe(storagePath).then(judge, () => 'unknown' as const);
      if (kind === 'found') {
        return urlOf(storagePath).then(
          (audioUrl) => ({ kind, audioUrl, storagePath }),
          () => ({ kind: 'unknown' }),
        );
      }
      isSure &&= kind === 'absent';
    }
    return { kind: isSure ? 'absent' : 'unknown' };
  };

/** A store that is published below an address. */
export const publishedAudioPlace = (baseUrl: string, probe: AudioProbe): AudioPlace => ({
  probe: (key) => probe(addressOf(baseUrl, key)),
  urlOf: async (key) => {
    refuseUnlessNarration(key);
    return addressOf(baseUrl, key);
  },
});
