import type { RulesTestEnvironment } from '@firebase/rules-unit-testing';
import {
  arrayUnion,
  type DocumentReference,
  deleteDoc,
  deleteField,
  doc,
  FieldPath,
  type Firestore,
  getDoc,
  increment,
  runTransaction,
  serverTimestamp,
  setDoc,
  Timestamp,
  updateDoc,
  writeBatch,
} from 'firebase/firestore';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AUDIO_FIELDS,
  firestoreOf,
  openGuardedProject,
  plainStory,
  seed,
  verdict,
} from './rules-environment.ts';

let project: RulesTestEnvironment;
let alice: Firestore;
let bob: Firestore;
let stranger: Firestore;

beforeAll(async () => {
  project = await openGuardedProject();
  [alice, bob, stranger] = [firestoreOf(project, 'alice'), firestoreOf(project, 'bob'), firestoreOf(project)];
});
afterAll(() => project.cleanup());

const narrated = { ...plainStory('alice'), ...AUDIO_FIELDS };
beforeEach(() =>
  seed(project, {
    'stories/plain': plainStory('alice'),
    'stories/narrated': narrated,
    'stories/of-bob': plainStory('bob'),
  }),
);

const plain = (as = alice): DocumentReference => doc(as, 'stories/plain');
const story = (as = alice): DocumentReference => doc(as, 'stories/narrated');
const words = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  title: 'Another tale',
  text: 'Twice upon a time.',
  updatedAt: serverTimestamp(),
  ...over,
});
const updating = (fields: Record<string, unknown>, as = alice): Promise<'allowed' | 'denied'> =>
  verdict(updateDoc(story(as), fields));

describe('the words of a story', () => {
  it('are changed by their owner, and the audio stays', async () => {
    await updateDoc(story(), words());
    const after = (await getDoc(story())).data();
    expect(after).toMatchObject({ ...AUDIO_FIELDS, title: 'Another tale', text: 'Twice upon a time.' });
  });

  it('may be changed one at a time', async () => {
    expect(await updating({ title: 'T', updatedAt: serverTimestamp() })).toBe('allowed');
    expect(await updating({ text: 'T', updatedAt: serverTimestamp() })).toBe('allowed');
    expect(await updating({ updatedAt: serverTimestamp() })).toBe('allowed');
  });

  it('are changed by no one else', async () => {
    expect(await updating(words(), bob)).toBe('denied');
    expect(await updating(words(), stranger)).toBe('denied');
    expect(await updating(words({ userId: 'bob' }), bob)).toBe('denied');
  });

  it("bring the server's time along", async () => {
    expect(await updating({ title: 'T', text: 'T' })).toBe('denied');
    expect(await updating(words({ updatedAt: Timestamp.now() }))).toBe('denied');
    expect(await updating(words({ updatedAt: Timestamp.fromMillis(4e12) }))).toBe('denied');
    expect(await updating(words({ updatedAt: deleteField() }))).toBe('denied');
  });

  it.each([
    ['title', 'x'.repeat(300), 'allowed'],
    ['title', 'x'.repeat(301), 'denied'],
    ['title', '', 'denied'],
    ['title', 7, 'denied'],
    ['title', null, 'denied'],
    ['text', 'x'.repeat(200_000), 'allowed'],
    ['text', 'x'.repeat(200_001), 'denied'],
    ['text', '', 'denied'],
    ['text', ['x'], 'denied'],
    ['text', { x: 1 }, 'denied'],
  ])('%s keep their size and type, example %#', async (name, value, expected) => {
    expect(await updating(words({ [name]: value }))).toBe(expected);
  });

  it('are not taken away', async () => {
    expect(await updating(words({ title: deleteField() }))).toBe('denied');
    expect(await updating(words({ text: deleteField() }))).toBe('denied');
  });
});

describe('every other field', () => {
  const others: Readonly<Record<string, unknown>> = {
    ...AUDIO_FIELDS,
    userId: 'bob',
    voiceId: 'v2',
    voiceName: 'Eve',
    language: 'de',
    storyType: 'admin',
    createdAt: serverTimestamp(),
    extra: 1,
  };

  it.each(Object.entries(others))(
    '%s is not written, with or without permitted ones',
    async (name, value) => {
      expect(await verdict(updateDoc(plain(), words({ [name]: value })))).toBe('denied');
      expect(await verdict(updateDoc(plain(), { [name]: value }))).toBe('denied');
      expect(await verdict(setDoc(plain(), words({ [name]: value }), { merge: true }))).toBe('denied');
    },
  );

  it.each(Object.keys({ ...AUDIO_FIELDS, userId: 0, voiceId: 0, language: 0, storyType: 0, createdAt: 0 }))(
    '%s is not taken away',
    async (name) => {
      expect(await updating(words({ [name]: deleteField() }))).toBe('denied');
    },
  );

  it.each(Object.keys(AUDIO_FIELDS))('%s is not changed where it stands', async (name) => {
    expect(await updating(words({ [name]: 'changed' }))).toBe('denied');
  });

  it('is not changed by a dotted path or by a transform', async () => {
    const time = serverTimestamp();
    expect(await verdict(updateDoc(story(), 'title', 'T', 'updatedAt', time))).toBe('allowed');
    expect(await verdict(updateDoc(story(), 'audioStatus', 'pending', 'updatedAt', time))).toBe('denied');
    expect(await verdict(updateDoc(story(), 'audioMetadata.engine', 'y', 'updatedAt', time))).toBe('denied');
    expect(await verdict(updateDoc(story(), new FieldPath('audioUrl'), 'y', 'updatedAt', time))).toBe(
      'denied',
    );
    expect(
      await verdict(updateDoc(story(), new FieldPath('audioMetadata', 'x'), 'y', 'updatedAt', time)),
    ).toBe('denied');
    expect(await verdict(updateDoc(story(), 'title.x', 'y', 'updatedAt', time))).toBe('denied');
    expect(await updating(words({ audioAttempt: increment(1) }))).toBe('denied');
    expect(await updating(words({ audioMetadata: arrayUnion('x') }))).toBe('denied');
    expect(await updating(words({ audioLeaseExpiresAt: serverTimestamp() }))).toBe('denied');
  });

  it('may be repeated as it is, for that changes nothing', async () => {
    expect(await updating(words({ audioStatus: 'ready', userId: 'alice' }))).toBe('allowed');
  });
});

describe('writing a story again', () => {
  it('does not drop its audio', async () => {
    expect(await verdict(setDoc(story(), { ...plainStory('alice'), ...words() }))).toBe('denied');
  });

  it('changes its words when all the rest is the same', async () => {
    expect(await verdict(setDoc(plain(), { ...plainStory('alice'), ...words() }))).toBe('allowed');
    expect(
      await verdict(setDoc(plain(), { ...plainStory('alice'), ...words({ createdAt: serverTimestamp() }) })),
    ).toBe('denied');
  });

  it('is no way to give it away or to take it', async () => {
    expect(await verdict(setDoc(plain(), { ...plainStory('bob'), ...words() }))).toBe('denied');
    expect(await verdict(setDoc(plain(bob), { ...plainStory('bob'), ...words() }))).toBe('denied');
  });
});

describe('deleting', () => {
  it('is for no one', async () => {
    for (const as of [alice, bob, stranger]) {
      expect(await verdict(deleteDoc(plain(as)))).toBe('denied');
      expect(await verdict(deleteDoc(story(as)))).toBe('denied');
    }
  });
});

const unchanged = async (): Promise<boolean> => (await getDoc(plain())).data()?.['title'] === 'A tale';

describe('several writes at once', () => {
  it('are done when each is permitted', async () => {
    const batch = writeBatch(alice).update(plain(), words()).update(story(), words());
    expect(await verdict(batch.commit())).toBe('allowed');
  });

  it.each<[string, (batch: ReturnType<typeof writeBatch>) => unknown]>([
    ['an audio field', (batch) => batch.update(story(), { audioStatus: 'pending' })],
    ['an audio field of the same story', (batch) => batch.update(plain(), { audioStatus: 'pending' })],
    ["another's story", (batch) => batch.update(doc(alice, 'stories/of-bob'), words())],
    ['a deletion', (batch) => batch.delete(story())],
    ['an attempt', (batch) => batch.set(doc(alice, 'stories/plain/audioAttempts/j'), { status: 'ready' })],
    ['a mail', (batch) => batch.set(doc(alice, 'mail/m'), { to: 'x@h.test' })],
  ])('are all refused in a batch that holds %s', async (_what, forbid) => {
    const batch = writeBatch(alice).update(plain(), words());
    forbid(batch);
    expect(await verdict(batch.commit())).toBe('denied');
    expect(await unchanged()).toBe(true);
  });

  it('are judged alike in a transaction', async () => {
    const change = (fields: Record<string, unknown>): Promise<void> =>
      runTransaction(alice, async (transaction) => {
        const read = await transaction.get(story());
        transaction.update(plain(), words({ title: `${read.id} and plain` }));
        transaction.update(story(), fields);
      });
    expect(await verdict(change({ audioStatus: 'pending', updatedAt: serverTimestamp() }))).toBe('denied');
    expect(await unchanged()).toBe(true);
    expect(await verdict(change(words()))).toBe('allowed');
  });

  it("in a transaction do not even read another's story", async () => {
    const peek = runTransaction(alice, (transaction) => transaction.get(doc(alice, 'stories/of-bob')));
    expect(await verdict(peek)).toBe('denied');
  });
});
