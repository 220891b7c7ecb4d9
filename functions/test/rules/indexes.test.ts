import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

/** Firebase CLI's own shape of the file. @see https://firebase.google.com/docs/reference/firestore/indexes */
interface IndexFile {
  readonly indexes: readonly { readonly collectionGroup: string; readonly fields: readonly object[] }[];
  readonly fieldOverrides: readonly {
    readonly collectionGroup: string;
    readonly fieldPath: string;
    readonly ttl?: boolean;
    readonly indexes: readonly object[];
  }[];
}

const file = new URL('../../../firestore.indexes.json', import.meta.url);
const read = async (): Promise<IndexFile> => JSON.parse(await readFile(file, 'utf8')) as IndexFile;

/** What the sweeper asks: stories in a state, by one of the times that they keep. */
const sweptBy = (fieldPath: string): unknown => ({
  collectionGroup: 'stories',
  queryScope: 'COLLECTION',
  fields: [
    { fieldPath: 'audioStatus', order: 'ASCENDING' },
    { fieldPath, order: 'ASCENDING' },
  ],
});

describe('firestore.indexes.json', () => {
  it("holds the index of the page's list, one owner, newest first, and those of the sweeper", async () => {
    expect((await read()).indexes).toEqual([
      {
        collectionGroup: 'stories',
        queryScope: 'COLLECTION',
        fields: [
          { fieldPath: 'userId', order: 'ASCENDING' },
          { fieldPath: 'createdAt', order: 'DESCENDING' },
        ],
      },
      ...['audioLeaseExpiresAt', 'audioRetryAt'].map(sweptBy),
    ]);
  });

  it('leaves out the fields whose index entries could grow past the limit, or that no one asks by', async () => {
    const left = (await read()).fieldOverrides.map(({ collectionGroup, fieldPath, indexes }) => [
      `${collectionGroup}.${fieldPath}`,
      indexes,
    ]);
    expect(Object.fromEntries(left)).toEqual({
      'stories.text': [],
      'stories.audioErrorDetails': [],
      'stories.audioMetadata': [],
      'stories.audioErrorMetadata': [],
      'audioAttempts.error': [],
      'ttsOwedEvents.event': [],
      // A deletion asks by them; without an index of its own, a field in a map has that of the map.
      'ttsOwedEvents.event.subject': [{ order: 'ASCENDING', queryScope: 'COLLECTION' }],
      'ttsOwedEvents.event.data.userId': [{ order: 'ASCENDING', queryScope: 'COLLECTION' }],
      'ttsReplays.expiresAt': [],
      'ttsRunpodTurns.jobs': [],
      'ttsUsage.expiresAt': [],
      'ttsUsage.underWay': [],
      'ttsVoices.engines': [],
      'ttsWorkers.engines': [],
    });
  });

  it('lets Firestore delete what has expired', async () => {
    const expiring = (await read()).fieldOverrides.filter(({ ttl }) => ttl === true);
    expect(expiring.map(({ collectionGroup }) => collectionGroup)).toEqual(['ttsReplays', 'ttsUsage']);
  });

  it('keeps the index by which expired workers are found', async () => {
    const left = (await read()).fieldOverrides.map(({ collectionGroup, fieldPath }) => [
      collectionGroup,
      fieldPath,
    ]);
    expect(left).not.toContainEqual(['ttsWorkers', 'expiresAt']);
  });
});
