/** A request to Firestore's REST interface, written by hand. Its path begins after `/documents`. */
export interface HandCall {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

/** The full name of a document, as REST bodies want it. */
export type NameOf = (path: string) => string;

const post = (path: string, body: unknown): HandCall => ({ method: 'POST', path, body });
const text = (stringValue: string): object => ({ stringValue });
const now = { fieldPath: 'updatedAt', setToServerValue: 'REQUEST_TIME' };

/** A commit of one write, with the server's time as the rules want it. */
export const commitOf = (
  name: string,
  fields: Record<string, object>,
  fieldPaths: readonly string[],
  transforms: readonly object[] = [],
): HandCall =>
  post(':commit', {
    writes: [
      { update: { name, fields }, updateMask: { fieldPaths }, updateTransforms: [now, ...transforms] },
    ],
  });

/** The creation of a story as the page does it, under any id. */
export const creationOf = (name: string, words: Readonly<Record<string, string>>): HandCall => {
  const all = { language: 'en', storyType: 'user', ...words };
  const fields = Object.fromEntries(Object.entries(all).map(([field, value]) => [field, text(value)]));
  return commitOf(name, fields, Object.keys(all), [{ ...now, fieldPath: 'createdAt' }]);
};

/** A change of a story's title, and with it of a field that only the server writes, in every spelling. */
export const writesOfField = (field: string, storyPath: string, nameOf: NameOf): readonly HandCall[] => {
  const spellings: readonly [string, Record<string, object>][] = [
    [field, { [field]: text('x') }],
    [`\`${field}\``, { [field]: text('x') }],
    [`${field}.x`, { [field]: { mapValue: { fields: { x: text('y') } } } }],
    [`\`${field}\`.\`x\``, { [field]: { mapValue: { fields: { x: text('y') } } } }],
    [field, {}],
  ];
  const transforms = [
    { fieldPath: field, setToServerValue: 'REQUEST_TIME' },
    { fieldPath: field, increment: { integerValue: '1' } },
    { fieldPath: `\`${field}\``, appendMissingElements: { values: [text('x')] } },
  ];
  const title = { title: text('T') };
  return [
    ...spellings.map(([path, fields]) =>
      commitOf(nameOf(storyPath), { ...title, ...fields }, ['title', path]),
    ),
    ...transforms.map((transform) => commitOf(nameOf(storyPath), title, ['title'], [transform])),
  ];
};

/** Every other way to write a story as if it were narrated, to delete it, and to create one. */
export const writesByOtherPaths = (storyPath: string, nameOf: NameOf): readonly HandCall[] => {
  const fields = { audioStatus: text('ready'), audioUrl: text('https://evil.example') };
  const update = { name: nameOf(storyPath), fields };
  const masked = { update, updateMask: { fieldPaths: ['audioStatus', 'audioUrl'] } };
  return [
    { method: 'PATCH', path: `/${storyPath}?updateMask.fieldPaths=audioStatus`, body: update },
    { method: 'PATCH', path: `/${storyPath}?updateMask.fieldPaths=%60audioStatus%60`, body: update },
    { method: 'PATCH', path: `/${storyPath}`, body: update },
    { method: 'DELETE', path: `/${storyPath}` },
    post('/stories?documentId=made', { fields }),
    post(`/${storyPath}/audioAttempts?documentId=made`, { fields: {} }),
    post(':commit', { writes: [masked] }),
    post(':commit', { writes: [{ update }] }),
    post(':commit', { writes: [{ delete: nameOf(storyPath) }] }),
    post(':batchWrite', { writes: [masked] }),
  ];
};

const from = (collectionId: string, allDescendants = false) => ({
  from: [{ collectionId, allDescendants }],
});

/** Reads of another person's story and its attempts: one document, many, or a number of them. */
export const readsOfOthers = (otherPath: string, ownPath: string): readonly HandCall[] => {
  const structuredQuery = from('stories');
  const count = { structuredQuery, aggregations: [{ alias: 'n', count: {} }] };
  return [
    { method: 'GET', path: `/${otherPath}` },
    { method: 'GET', path: `/${otherPath}?mask.fieldPaths=title` },
    { method: 'GET', path: `/${otherPath}/audioAttempts/j` },
    { method: 'GET', path: `/${otherPath}/audioAttempts` },
    { method: 'GET', path: '/stories?showMissing=true&mask.fieldPaths=_' },
    post(':runQuery', { structuredQuery }),
    post(':runQuery', { structuredQuery: from('stories', true) }),
    post(':runQuery', { structuredQuery: from('audioAttempts', true) }),
    post(':runAggregationQuery', { structuredAggregationQuery: count }),
    post(`/${otherPath}:runQuery`, { structuredQuery: from('audioAttempts') }),
    post(':listCollectionIds', {}),
    post(`/${ownPath}:listCollectionIds`, {}),
  ];
};
