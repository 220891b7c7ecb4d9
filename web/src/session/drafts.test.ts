import { describe, expect, it } from 'vitest';
import { createDrafts } from './drafts.ts';

/** A browser's storage with room for so many characters. */
const createStorage = (maxCharacters = Number.POSITIVE_INFINITY): Storage => {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => {
      if (value.length > maxCharacters) throw new DOMException('full', 'QuotaExceededError');
      items.set(key, value);
    },
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
};

const forbidden = (): never => {
  throw new DOMException('denied', 'SecurityError');
};
const words = { title: 'A tale', text: 'Once.' };

describe('createDrafts', () => {
  it('keeps a draft by reader and story, over a reload', () => {
    const storage = createStorage();
    const chosen = { language: 'en', voice: { id: 'slt', name: 'Clara' } };
    const before = createDrafts(() => storage);
    before('anna').keep({ ...words, ...chosen });
    before('anna', 's1').keep({ ...words, text: 'Twice.', read: words });
    expect([before('anna').isStored(), before('anna', 's1').isStored()]).toEqual([true, true]);
    const after = createDrafts(() => storage);
    expect(after('anna').read()).toEqual({ ...words, ...chosen });
    expect(after('anna', 's1').read()).toEqual({ ...words, text: 'Twice.', read: words });
    expect([after('ben').read(), after('anna', 's2').read()]).toEqual([undefined, undefined]);
  });

  it.each([
    ['forbids it', forbidden],
    ['is full', () => createStorage(0)],
  ])('keeps a draft in memory where the browser %s', (_name, storage) => {
    const drafts = createDrafts(storage);
    drafts('anna').keep(words);
    expect([drafts('anna').isStored(), drafts('anna').read()]).toEqual([false, words]);
    drafts('anna').forget();
    expect(drafts('anna').read()).toBeUndefined();
  });

  it('forgets what was saved, and nothing that was written since', () => {
    const storage = createStorage();
    const [one, other] = [createDrafts(() => storage)('anna'), createDrafts(() => storage)('anna')];
    one.keep(words);
    other.keep({ ...words, text: 'Another.' });
    one.forget(words);
    expect(one.read()?.text).toBe('Another.');
    other.forget({ ...words, text: 'Another.' });
    expect([one.read(), storage.length]).toEqual([undefined, 0]);
  });

  it.each(['', '{', 'null', '[]', '{"title":"A tale"}', '{"title":1,"text":2}'])(
    'reads no draft in %s',
    (json) => {
      const storage = createStorage();
      storage.setItem('taleback.draft/anna/', json);
      expect(createDrafts(() => storage)('anna').read()).toBeUndefined();
    },
  );

  it('leaves out what makes no sense', () => {
    const storage = createStorage();
    const odd = { ...words, read: 'x', language: 7, voice: { id: 'slt' } };
    storage.setItem('taleback.draft/anna/', JSON.stringify(odd));
    expect(createDrafts(() => storage)('anna').read()).toEqual(words);
  });
});
