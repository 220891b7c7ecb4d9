import type { NarrationEvent } from '@taleback/functions/src/events/narration-event.ts';
import type { Fields } from '@taleback/functions/src/stories/documents.ts';
import type { MemoryStory } from '@taleback/functions/test/memory-stories.ts';
import {
  checkReport,
  type Committed,
  endOf,
  namesOf,
  type Period,
  type Report,
  type StoryRecord,
} from './rules.ts';

const isEnd = (status: unknown): boolean => status === 'ready' || status === 'failed';
const isUnderWay = (status: unknown): boolean => status === 'pending' || status === 'processing';

/** The period of a story that another app set to pending, or a person cancelled. */
const periodOf = (order: number, { fields = {}, attempts }: MemoryStory): Period => {
  const jobId = fields['audioJobId'] as string | undefined;
  const current = jobId === undefined ? undefined : attempts.get(jobId);
  const isSetBack = isUnderWay(fields['audioStatus']) && !isUnderWay(current?.['status']);
  const isOurs = Number(current?.['number'] ?? 0) > 0 && !isSetBack;
  return { order, isOurs, jobId: isOurs ? jobId : undefined, contentHash: fields['audioContentHash'] };
};

export interface LedgerOptions {
  /** Simulated Unix milliseconds. */
  readonly now: () => number;
  readonly maxSkewMs: number;
  /** Since when the audio of a job has been in the store. */
  readonly audioSinceMs: (jobId: string | undefined) => number | undefined;
}

/**
 * Keeps what happened in the order of commits, and checks each commit: what may follow what, and that every end has its
 * event.
 */
export const createLedger = ({ now, maxSkewMs, audioSinceMs }: LedgerOptions) => {
  const stories = new Map<string, StoryRecord>();
  const faults: string[] = [];
  let order = 0;

  const fault = (storyId: string, what: string): void => void faults.push(`${storyId}: ${what}`);
  const open = (storyId: string, story: MemoryStory): void => {
    stories.set(storyId, {
      last: story.fields ?? {},
      periods: [periodOf(order, story)],
      reports: [],
      ends: new Map(),
      cancelled: new Set(),
      recorded: new Map(),
      events: [],
    });
  };
  const recordOf = (storyId: string): StoryRecord => {
    const record = stories.get(storyId);
    if (record === undefined) throw new Error(`no story ${storyId}`);
    return record;
  };

  const checkEvent = (
    storyId: string,
    before: Fields,
    now: Fields,
    event: NarrationEvent | undefined,
  ): void => {
    const [from, to] = [before['audioStatus'], now['audioStatus']];
    const [had, has] = [Number(before['audioEventSequence'] ?? 0), Number(now['audioEventSequence'] ?? 0)];
    if (has !== had + (event === undefined ? 0 : 1)) fault(storyId, `sequence ${had} became ${has}`);
    if (event === undefined) {
      if (isEnd(to) && (from !== to || before['audioError'] !== now['audioError']))
        fault(storyId, `ended ${String(to)} without an event`);
      if (
        from === 'failed' &&
        before['audioRetryAt'] !== undefined &&
        now['audioRetryAt'] === undefined &&
        to === from
      )
        fault(storyId, 'gave up without an event');
      return;
    }
    const { data } = event;
    if (data.sequence !== has) fault(storyId, `event ${data.sequence} of a story at ${has}`);
    if (data.storyId !== storyId || event.subject !== storyId) fault(storyId, `event of ${event.subject}`);
    if (data.status === 'cancelled') return;
    if (event.type.endsWith('.updated') && before['audioUrl'] !== undefined)
      fault(storyId, 'updated, although it had its address');
    if (data.status !== to) fault(storyId, `event ${data.status} of a story that is ${String(to)}`);
    if (to === 'ready' && data.audioUrl !== now['audioUrl']) fault(storyId, 'event with another address');
    if (to === 'failed' && data.code !== now['audioErrorCode']) fault(storyId, 'event with another code');
    const retryAt = now['audioRetryAt'] instanceof Date ? now['audioRetryAt'].toISOString() : undefined;
    if (to === 'failed' && data.retryAt !== retryAt) fault(storyId, 'event with another time of retry');
  };

  const checkStep = (storyId: string, before: Fields, now: Fields, isOpened: boolean): void => {
    const [from, to] = [before['audioStatus'], now['audioStatus']];
    if (from === 'ready' && to !== 'ready' && !isOpened) fault(storyId, `ready became ${String(to)}`);
    if (from === 'ready' && to === 'ready') {
      for (const name of ['audioUrl', 'audioStoragePath'])
        if (before[name] !== undefined && before[name] !== now[name]) fault(storyId, `${name} was replaced`);
    }
    const isSameRun =
      from === 'processing' && to === 'processing' && before['audioJobId'] === now['audioJobId'] && !isOpened;
    if (isSameRun && Number(now['audioProgress'] ?? 0) < Number(before['audioProgress'] ?? 0))
      fault(storyId, 'progress moved backwards');
    if (to === 'ready' && (now['audioError'] !== undefined || now['audioLeaseExpiresAt'] !== undefined))
      fault(storyId, 'ready with what belongs to other states');
    if (to === 'failed' && (now['audioLeaseExpiresAt'] !== undefined || now['audioProgress'] !== undefined))
      fault(storyId, 'failed with what belongs to other states');
    if (isOpened && now['audioError'] !== undefined) fault(storyId, 'opened with the error of before');
  };

  const checkCancel = (
    storyId: string,
    before: Fields,
    story: MemoryStory,
    event: NarrationEvent | undefined,
  ): void => {
    const record = recordOf(storyId);
    const { fields = {}, attempts } = story;
    const jobId = before['audioJobId'] as string;
    const status = attempts.get(jobId)?.['status'];
    if (event === undefined) {
      if (isUnderWay(before['audioStatus']) && isUnderWay(status)) fault(storyId, 'was not cancelled');
      return;
    }
    const end = record.ends.get(jobId) ?? endOf(before);
    const expected: Fields = { audioUrl: before['audioUrl'], audioError: undefined, ...end };
    for (const name of ['audioStatus', 'audioJobId', 'audioError', 'audioUrl'])
      if (fields[name] !== expected[name]) fault(storyId, `cancelled, and ${name} is not what it was`);
    record.cancelled.add(jobId);
    record.periods.push({ ...periodOf(order, story), end });
  };

  return {
    stories,
    faults,
    fault,
    open,
    recordOf,
    /** Of a story that another app, or a person, wrote straight into the database. */
    written: (storyId: string, fields: Fields): void => {
      recordOf(storyId).last = fields;
    },
    /** Another app set the story to pending. */
    reset: (storyId: string, story: MemoryStory): void => {
      order += 1;
      const record = recordOf(storyId);
      record.periods.push(periodOf(order, story));
      record.last = story.fields ?? {};
    },
    /** A transaction committed, or ended without a write. */
    committed: (
      storyId: string,
      story: MemoryStory,
      event: NarrationEvent | undefined,
      report: Report | 'sweep' | 'cancel' | undefined,
    ): void => {
      order += 1;
      const record = recordOf(storyId);
      const before = record.last;
      const { fields = {}, attempts } = story;
      const isOpened = Number(fields['audioAttempt'] ?? 0) > Number(before['audioAttempt'] ?? 0);
      const current = typeof fields['audioJobId'] === 'string' ? fields['audioJobId'] : undefined;
      checkStep(storyId, before, fields, isOpened);
      checkEvent(storyId, before, fields, event);
      if (event !== undefined) record.events.push(event);
      if (isOpened) {
        const contentHash = current === undefined ? undefined : attempts.get(current)?.['contentHash'];
        if (contentHash === undefined || contentHash !== fields['audioContentHash'])
          fault(storyId, 'opened without its content');
        record.periods.push({ order, isOurs: true, jobId: current, contentHash });
        if (current !== undefined) record.ends.set(current, endOf(before));
      }
      if (report === 'cancel') checkCancel(storyId, before, story, event);
      const recorded: string[] = [];
      for (const [jobId, attempt] of attempts) {
        if (record.cancelled.has(jobId) && attempt['status'] !== 'cancelled')
          fault(storyId, `${jobId} was cancelled and is ${String(attempt['status'])}`);
        const runpodJobId = attempt['runpodJobId'];
        if (typeof runpodJobId !== 'string' || record.recorded.has(runpodJobId)) continue;
        if ([...record.recorded.values()].some((one) => one.jobId === jobId))
          fault(storyId, `${jobId} has a second id at RunPod`);
        record.recorded.set(runpodJobId, { jobId, order });
        recorded.push(runpodJobId);
      }
      const check = (one: Committed): void => {
        const name = namesOf(one, record).find((known) => known.order === order);
        const wrong = name && checkReport(record, story, before, one, name);
        if (wrong !== undefined) fault(storyId, `${wrong} (${one.kind} of ${one.named ?? 'no job'})`);
      };
      // What came under RunPod's id before is judged now.
      const early = record.reports.filter(({ named = '' }) => recorded.includes(named));
      if (early.length === 1) early.forEach(check);
      if (report === 'sweep') {
        if (fields['audioStatus'] === 'ready' && before['audioStatus'] !== 'ready')
          record.reports.push({
            kind: 'ready',
            storyId,
            named: current,
            audioUrl: fields['audioUrl'] as string | undefined,
            storagePath: fields['audioStoragePath'] as string | undefined,
            order,
            current,
          });
        const isFailed = fields['audioStatus'] === 'failed' && before['audioStatus'] !== 'failed';
        // The job's own failure is a repetition from now on.
        if (isFailed && current !== undefined)
          record.reports.push({ kind: 'failed', storyId, named: current, order, current });
        const isGivenUp = isFailed && fields['audioErrorCode'] === 'lease_expired';
        const lease = before['audioLeaseExpiresAt'];
        if (isGivenUp && lease instanceof Date && lease.getTime() > now() + maxSkewMs)
          fault(storyId, 'given up before its lease expired');
        const made = audioSinceMs(current);
        if (isGivenUp && made !== undefined && made < now() - 60_000)
          fault(storyId, 'given up although its audio is there');
      } else if (typeof report === 'object' && report.storyId === storyId) {
        const committed = { ...report, order, current };
        record.reports.push(committed);
        check(committed);
      }
      record.last = fields;
    },
  };
};

export type Ledger = ReturnType<typeof createLedger>;
