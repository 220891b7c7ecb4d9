import { isDeepStrictEqual } from 'node:util';
import type { NarrationEvent } from '@taleback/functions/src/events/narration-event.ts';
import type { MemoryDocuments, MemoryStory } from '@taleback/functions/test/memory-stories.ts';
import type { Ledger } from './ledger.ts';
import { type Committed, counts, namesOf, type StoryRecord } from './rules.ts';

/** A report that counts, and whether it is the first of its kind of its job, and before a ready: a later one changes nothing. */
interface Counting {
  readonly report: Committed;
  readonly isFirst: boolean;
}

/** The reports that count in the last period. */
const countingIn = (record: StoryRecord, story: MemoryStory): readonly Counting[] => {
  const period = record.periods.at(-1);
  if (period === undefined) return [];
  const seen = new Set<string>();
  return record.reports
    .flatMap((report) => namesOf(report, record).map((name) => ({ report, name })))
    .sort((one, other) => one.name.order - other.name.order)
    .flatMap(({ report, name }) => {
      const key = `${report.kind} ${name.job}`;
      const wasReady = seen.has(`ready ${name.job}`);
      const isRepeated =
        name.job !== undefined && (wasReady || (report.named !== undefined && seen.has(key)));
      seen.add(key);
      const isFirst = !isRepeated;
      return counts(name, report, period, story) ? [{ report, isFirst }] : [];
    });
};

const judgeStory = (storyId: string, record: StoryRecord, story: MemoryStory, ledger: Ledger): void => {
  const { fields = {} } = story;
  const restored = record.periods.at(-1)?.end;
  const fault = (what: string): void => ledger.fault(storyId, what);
  const status = fields['audioStatus'];
  const counting = countingIn(record, story);
  const first = counting.flatMap(({ report, isFirst }) => (isFirst ? [report] : []));
  const readies = first.filter(({ kind }) => kind === 'ready');
  if (status === 'pending' || status === 'processing') fault(`never ended: ${status}`);
  if (status === 'failed' && fields['audioRetryAt'] !== undefined) fault('its automatic retry never came');
  if (readies.length > 0 && status !== 'ready') fault(`${String(status)}, although a ready counts`);
  if (first.length > 0 && status === undefined) fault('a report that counts was not applied');
  if (status === 'ready') {
    const isMade = ({ audioUrl, storagePath }: Committed): boolean =>
      audioUrl === fields['audioUrl'] ||
      (storagePath !== undefined && storagePath === fields['audioStoragePath']);
    const made = readies.filter(isMade);
    if (made.length === 0 && restored?.['audioStatus'] !== 'ready')
      fault('ready with audio that does not count');
  }
  if (status === 'failed') {
    const { audioError: words } = fields;
    const senders = record.reports.filter((one) => one.kind === 'failed' && one.words === words);
    const isKnown = senders.length === 0 || restored?.['audioError'] === words;
    if (!isKnown && !senders.some((one) => counting.some(({ report }) => report === one)))
      fault('failed by a report that does not count');
  }
  record.events.forEach(({ data }, index) => {
    if (data.sequence !== index + 1) fault(`sequence ${data.sequence} stands at ${index + 1}`);
  });
};

/** Judges a history that has ended, by what the database and the consumers of its events have. */
export const judge = (
  ledger: Ledger,
  documents: MemoryDocuments,
  published: readonly NarrationEvent[],
): readonly string[] => {
  for (const [storyId, record] of ledger.stories) {
    const story = documents.stories.get(storyId);
    if (story !== undefined) judgeStory(storyId, record, story, ledger);
  }
  const written = new Map<string, NarrationEvent>();
  for (const { events } of ledger.stories.values())
    for (const event of events) {
      if (written.has(event.id)) ledger.fault(event.subject, `two ends with the id ${event.id}`);
      written.set(event.id, event);
    }
  const seen = new Set<string>();
  for (const event of published) {
    seen.add(event.id);
    if (!isDeepStrictEqual(written.get(event.id), event))
      ledger.fault(event.subject, `event ${event.id} is not what was written`);
  }
  for (const id of written.keys()) if (!seen.has(id)) ledger.faults.push(`event ${id} was not published`);
  if (documents.owed.size > 0) ledger.faults.push(`${documents.owed.size} events are owed for good`);
  return ledger.faults;
};
