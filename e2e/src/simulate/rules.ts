import type { NarrationEvent } from '@taleback/functions/src/events/narration-event.ts';
import type { Fields } from '@taleback/functions/src/stories/documents.ts';
import type { MemoryStory } from '@taleback/functions/test/memory-stories.ts';

/** What a sender reports of a job, or the sweep finds. */
export interface Report {
  readonly kind: 'ready' | 'failed' | 'progress';
  readonly storyId: string;
  /** The name that the message has for its job. */
  readonly named: string | undefined;
  /** Of a ready: the address and the place. */
  readonly audioUrl?: string | undefined;
  readonly storagePath?: string | undefined;
  /** Of a failure: words that no other job has. */
  readonly words?: string | undefined;
}

/** A report in the order of commits. */
export interface Committed extends Report {
  readonly order: number;
  /** The story's job after the commit: the one that a message without a name is about. */
  readonly current: string | undefined;
}

/** From an opening or a reset to the next one. */
export interface Period {
  readonly order: number;
  readonly isOurs: boolean;
  readonly jobId: string | undefined;
  readonly contentHash: unknown;
  /** After a cancel: the end that the story has again. */
  readonly end?: Fields;
}

/** What a cancel of the next attempt restores. */
export const endOf = (fields: Fields): Fields => {
  const { audioStatus, audioJobId, audioError, audioUrl, audioStoragePath } = fields;
  if (audioStatus === 'ready' || audioStatus === 'failed') return { audioStatus, audioJobId, audioError };
  return (audioUrl ?? audioStoragePath) === undefined ? {} : { audioStatus: 'ready' };
};

/** What the ledger knows of a story. */
export interface StoryRecord {
  last: Fields;
  readonly periods: Period[];
  readonly reports: Committed[];
  /** The end that the story had when a job of ours was opened. */
  readonly ends: Map<string, Fields>;
  readonly cancelled: Set<string>;
  /** Jobs at RunPod, by RunPod's id, and when the id was recorded. */
  readonly recorded: Map<string, { readonly jobId: string; readonly order: number }>;
  readonly events: NarrationEvent[];
}

/** The job that a report is about, and since when that is known. `job` is undefined where it is the story alone. */
export interface Named {
  readonly job: string | undefined;
  readonly order: number;
}

/** What a report is about: by its own name at once, and as our job once RunPod's id was recorded. */
export const namesOf = (
  { named, current, order }: Committed,
  { recorded, cancelled }: StoryRecord,
): readonly Named[] => {
  if (named === undefined) return [{ job: current, order }];
  const known = recorded.get(named);
  // A story that a cancelled job's early message made foreign goes on under RunPod's id.
  const isForeign = named === current && cancelled.has(known?.jobId ?? '');
  if (known === undefined || isForeign) return [{ job: named, order }];
  const asOurs = { job: known.jobId, order: Math.max(order, known.order) };
  return known.order <= order ? [asOurs] : [{ job: named, order }, asOurs];
};

/** The rules of docs/api.md#how-a-narration-ends, for a period that began with an opening or a reset. */
export const counts = (
  { job, order }: Named,
  { kind, named, current }: Committed,
  period: Period,
  { attempts }: MemoryStory,
): boolean => {
  if (order <= period.order) return false;
  if (named === undefined) return true;
  const attempt = job === undefined ? undefined : attempts.get(job);
  if (attempt?.['status'] === 'cancelled') return false;
  // A foreign story may still name RunPod's id of a job that was recorded later.
  if (!period.isOurs && named === current) return true;
  const isOfOurs = Number(attempt?.['number'] ?? 0) > 0;
  if (period.isOurs ? job === period.jobId : !isOfOurs) return true;
  const hasContent = period.contentHash !== undefined && attempt?.['contentHash'] === period.contentHash;
  return kind === 'ready' && isOfOurs && hasContent;
};

/**
 * Checks a commit against the rules: a report that counts moved the story, and no other one did.
 *
 * @param before the story's fields before the commit
 * @returns what is wrong
 */
export const checkReport = (
  record: StoryRecord,
  story: MemoryStory,
  before: Fields,
  report: Committed,
  name: Named,
): string | undefined => {
  const period = record.periods.at(-1);
  const { fields = {}, attempts } = story;
  if (period === undefined) return undefined;
  const [from, to] = [before['audioStatus'], fields['audioStatus']];
  const doesCount = counts(name, report, period, story);
  const earlier = record.reports.filter(
    (one) =>
      one !== report && namesOf(one, record).some(({ job, order }) => job === name.job && order < name.order),
  );
  const wasReady = earlier.some(({ kind }) => kind === 'ready');
  // A message without a job is about the current one, which may fail twice, but is ready once.
  const isRepeated =
    name.job !== undefined &&
    (wasReady || (report.named !== undefined && earlier.some(({ kind }) => kind === report.kind)));
  const moved = from !== to || before['audioError'] !== fields['audioError'];
  switch (report.kind) {
    case 'ready':
      if (doesCount && !isRepeated && to !== 'ready') return 'a ready that counts did not end the story';
      if (from !== 'ready' && to === 'ready' && (!doesCount || isRepeated))
        return 'a ready that does not count ended the story';
      if (from !== 'ready' && to !== 'ready' && moved) return `a ready made the story ${String(to)}`;
      if (
        from === 'ready' &&
        fields['audioUrl'] === undefined &&
        report.audioUrl !== undefined &&
        report.current === name.job &&
        report.storagePath === fields['audioStoragePath']
      )
        return 'the address that was missing was not taken';
      if (from === 'ready' && before['audioUrl'] !== fields['audioUrl'])
        return report.storagePath === fields['audioStoragePath']
          ? undefined
          : 'the address of another file was taken';
      return undefined;
    case 'failed':
      if (doesCount && !isRepeated && from !== 'ready' && to !== 'failed')
        return 'a failure that counts did not end the story';
      return moved && !doesCount ? 'a failure that does not count ended the story' : undefined;
    case 'progress': {
      const isAlive = ['pending', 'processing'].includes(
        String(attempts.get(period.jobId ?? '')?.['status']),
      );
      const isUnderWay = from === 'pending' || from === 'processing';
      if (moved && !doesCount) return 'progress that does not count moved the story';
      if (!(doesCount && isUnderWay && isAlive && period.isOurs)) return undefined;
      return to === 'processing' ? undefined : 'progress that counts did not move the story';
    }
    default:
      return report.kind satisfies never;
  }
};
