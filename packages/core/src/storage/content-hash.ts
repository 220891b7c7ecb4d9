import { hash } from 'node:crypto';
import type { TtsJobEvent } from '../job/tts-job.ts';
import { recordingHash } from './recording.ts';

const sha256 = (data: string | Uint8Array): string => hash('sha256', data);

/** Fields of a job that are not content (the same sound whenever its turn comes), or are in the hash on their own. */
const NOT_EXTRAS = new Set([
  'text',
  'voice_id',
  'voice_name',
  'language',
  'story_type',
  'story_name',
  'metadata',
  'priority',
  'profile_base64',
  'profile_path',
  'recording_path',
]);

/** The hashes of what a job asks for. */
export interface ContentHashes {
  /** Of everything that the audio depends on; two attempts with the same hash have the same content. */
  readonly contentHash: string;
  /** Of the text alone. */
  readonly textHash: string;
}

/**
 * Hashes the content of a job as queued: hex SHA-256 of the UTF-8 JSON array
 * `[1, text, language, voiceId, extras, recording, take]`. Extras have sorted keys; a recording is the SHA-256 of its
 * bytes, its path, or null.
 *
 * @param take how often a narration that was ready was asked for again
 *
 * @example
 * const metadata = { story_id: 's1', user_id: 'ada', callback_url: 'https://a.example/api/tts/callback', attempt: 1 };
 * const input = { text: 'Once.', voice_id: 'v1', language: 'en', story_type: 'tale', metadata };
 * contentHashesOf({ id: 'j1', input }, 0).contentHash.length; // 64
 */
export const contentHashesOf = ({ input }: TtsJobEvent, take: number): ContentHashes => {
  const extras = Object.entries(input)
    .filter(([name, value]) => !NOT_EXTRAS.has(name) && value !== undefined && value !== null)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const recording =
    input.profile_base64 === undefined
      ? (recordingHash(input.recording_path) ?? input.profile_path ?? null)
      : sha256(Buffer.from(input.profile_base64, 'base64'));
  const content = [
    1,
    input.text,
    input.language,
    input.voice_id,
    Object.fromEntries(extras),
    recording,
    take,
  ];
  return { contentHash: sha256(JSON.stringify(content)), textHash: sha256(input.text) };
};
