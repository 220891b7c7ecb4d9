import { createHash } from 'node:crypto';
import type { CallbackMessage } from './callbacks-index.ts';

/**
 * What the sender has to know of an entry before it reads it: `{stamp}-{destination}-{lane}-{id}.json`. A backlog is held
 * in memory as names only.
 */
export interface EntryName {
  readonly file: string;
  /** Unix milliseconds or later, never twice from one writer: entries are sent in this order. */
  readonly stamp: number;
  /** Hash of the receiver's origin. */
  readonly destination: string;
  /** Hash of what has to stay in order. */
  readonly lane: string;
}

const PATTERN = /^(\d{15})-([0-9a-f]{12})-([0-9a-f]{12})-([0-9a-f]{12})\.json$/;
const STAMP_DIGITS = 15;
const HASH_CHARACTERS = 12;
/** The end of the year 9999: what is later is no time. */
export const MAX_STAMP = 253_402_300_799_999;

const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS);

/** A job's messages stay in order; where no job is named, a story's do. */
const laneOf = ({ payload, messageId }: Pick<CallbackMessage, 'payload' | 'messageId'>): string => {
  const { job_id: jobId, story_id: storyId } = payload;
  if (jobId !== null) return `job ${jobId}`;
  return storyId === 'unknown' ? `message ${messageId}` : `story ${storyId}`;
};

const build = (stamp: number, destination: string, lane: string, id: string): EntryName => ({
  file: `${String(stamp).padStart(STAMP_DIGITS, '0')}-${destination}-${lane}-${id}.json`,
  stamp,
  destination,
  lane,
});

/** @param id tells entries of the same stamp apart; 12 hex digits */
export const nameEntry = (message: CallbackMessage, stamp: number, id: string): EntryName =>
  build(stamp, shortHash(new URL(message.url).origin), shortHash(laneOf(message)), id);

/** Reads a file's name; undefined when no entry is called so. */
export const parseEntryName = (file: string): EntryName | undefined => {
  const [, digits = '', destination = '', lane = '', id = ''] = PATTERN.exec(file) ?? [];
  const stamp = Number(digits);
  return digits === '' || stamp > MAX_STAMP ? undefined : build(stamp, destination, lane, id);
};

/** The name of the message that takes this one's place: the same each time, so that it is never written twice. */
export const nameSubstitute = (name: EntryName, substitute: CallbackMessage): EntryName =>
  nameEntry(substitute, name.stamp + 1, PATTERN.exec(name.file)?.[4] ?? '');

/** In the order they are sent. */
export const byStamp = (one: EntryName, other: EntryName): number =>
  one.stamp - other.stamp || (one.file < other.file ? -1 : 1);
