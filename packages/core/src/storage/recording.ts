import { hash } from 'node:crypto';
import { isRecord } from '../json.ts';
import { toWellFormed } from '../storable/document.ts';
import { safeSegment } from './audio-key.ts';

/** Folder of the private store for recordings that came with jobs. */
export const RECORDINGS = 'recordings';

const RECORDING_KEY =
  /^recordings\/\d{4}-\d\d-\d\d\/private\/users\/[\w%-][\w.%-]{0,199}\/([0-9a-f]{64})\.recording$/;
const DAY_MS = 86_400_000;
const DAY = /(?:^|\/)(\d{4}-\d\d-\d\d)\//;

/**
 * `recordings/{day}/private/users/{user}/{SHA-256}.recording`: the place of a recording that came with a job. The day
 * comes first, so that what has expired is found.
 *
 * @example
 * import { recordingKey } from '@taleback/core/storage';
 * recordingKey({ userId: 'ada', bytes: new Uint8Array(), nowMs: 0 }); // 'recordings/1970-01-01/private/users/ada/e3b0...'
 */
export const recordingKey = ({
  userId,
  bytes,
  nowMs,
}: {
  readonly userId: string | undefined;
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}): string => {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return `${RECORDINGS}/${day}/private/users/${safeSegment(userId ?? 'unknown')}/${hash('sha256', bytes)}.recording`;
};

/**
 * The SHA-256 of the bytes at a place of `recordingKey`; undefined for any other.
 *
 * @example
 * import { recordingHash } from '@taleback/core/storage';
 * recordingHash('voices/ann.wav'); // undefined
 */
export const recordingHash = (key: string | undefined): string | undefined =>
  key === undefined ? undefined : RECORDING_KEY.exec(key)?.[1];

/**
 * The keys whose folder of a day is older than a time: of recordings and of failed callbacks.
 *
 * @example
 * import { keysBefore } from '@taleback/core/storage';
 * keysBefore(['failed_callbacks/1970-01-01/s1-1.json'], Date.now()).length; // 1
 */
export const keysBefore = (keys: readonly string[], beforeMs: number): readonly string[] =>
  keys.filter((key) => Date.parse(DAY.exec(key)?.[1] ?? '') + DAY_MS <= beforeMs);

/** With its hash and a draft's ending it still fits into the 255 characters of a file system. */
const LEGIBLE_CHARACTERS = 100;

/**
 * The part of a record's name that names the story; what is not safe in a path is encoded, and a very long one gets a hash.
 *
 * @example
 * import { recordName } from '@taleback/core/storage';
 * recordName('a.b'); // 'a%2Eb'
 */
export const recordName = (storyId: string): string => {
  const safe = encodeURIComponent(toWellFormed(storyId)).replace(
    /[!'()*~.]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return safe.length <= LEGIBLE_CHARACTERS
    ? safe
    : `${safe.slice(0, LEGIBLE_CHARACTERS)}-${hash('sha256', safe)}`;
};

/**
 * `{folder}/YYYY-MM-DD/{story}-{unix}.json`, as in the source systems; the day is that of the time, in UTC.
 *
 * @param unixMs milliseconds, so that two documents of one story never share a key
 *
 * @example
 * import { recordKey } from '@taleback/core/storage';
 * recordKey('failed_callbacks', 's1', 7); // 'failed_callbacks/1970-01-01/s1-7.json'
 */
export const recordKey = (folder: string, storyId: string, unixMs: number): string =>
  `${folder}/${new Date(unixMs).toISOString().slice(0, 10)}/${recordName(storyId)}-${unixMs}.json`;

/**
 * The `recordName` in a key of `recordKey`; undefined for any other.
 *
 * @example
 * import { recordNameOf } from '@taleback/core/storage';
 * recordNameOf('failed_callbacks/1970-01-01/s1-7.json'); // 's1'
 */
export const recordNameOf = (key: string): string | undefined => /\/([^/]+)-\d+\.json$/.exec(key)?.[1];

type Fields = Readonly<Record<string, unknown>>;

const keepIn = async (fields: Fields, keep: (bytes: Uint8Array) => Promise<string>): Promise<Fields> => {
  const { profile_base64: recording, ...others } = fields;
  if (typeof recording !== 'string' || recording.trim() === '') return fields;
  const bytes = Buffer.from(recording.replace(/^\s*data:[^,]{0,200},/i, ''), 'base64');
  return { ...others, recording_path: await keep(bytes) };
};

/**
 * A job as it may be kept: with the places of its recordings instead of their bytes. Anything that is no job, and a job
 * without a recording, is returned as it is.
 *
 * @param keep stores the bytes of a recording, and resolves with its place; what it rejects with is thrown
 *
 * @example
 * import { withoutRecordings } from '@taleback/core/storage';
 * const job = { input: { text: 'Once.', profile_base64: 'UklGRg==' } };
 * await withoutRecordings(job, async () => 'a place'); // { input: { text: 'Once.', recording_path: 'a place' } }
 */
export const withoutRecordings = async <Job>(
  job: Job,
  keep: (bytes: Uint8Array) => Promise<string>,
): Promise<Job> => {
  const input = isRecord(job) ? job['input'] : undefined;
  if (!isRecord(input)) return job;
  const kept = await keepIn(input, keep);
  const { metadata } = input;
  const keptMetadata = isRecord(metadata) ? await keepIn(metadata, keep) : metadata;
  if (kept === input && keptMetadata === metadata) return job;
  return { ...job, input: { ...kept, ...(metadata === undefined ? {} : { metadata: keptMetadata }) } };
};

/**
 * The text of a job that cannot be parsed, or whose recording cannot be kept, without the recording.
 *
 * @example
 * import { withoutRecordingText } from '@taleback/core/storage';
 * withoutRecordingText('{"profile_base64":"UklG'); // '{"profile_base64":""'
 */
export const withoutRecordingText = (text: string): string =>
  text.replace(/("profile_base64"\s*:\s*")[^"]*(?:"|$)/g, '$1"');
