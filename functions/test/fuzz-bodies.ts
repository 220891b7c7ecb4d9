import * as fc from 'fast-check';
import { enginesText } from './fuzz-heartbeat.ts';

/** Names that mean something to JavaScript, to Firestore or to us. */
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__name__',
  '',
  '.',
  '..',
  'a.b',
  '`a`',
  'a/b',
  '\u0000',
  '\ud800',
  '_altered',
  'error_type',
  'retryable',
  'engine',
  'worker_id',
  'callback_url',
  'x'.repeat(1_600),
] as const;

/** Texts that are trouble somewhere: as an id, a path, an address, a header or a word in a document. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...NAMES,
    '../../etc/passwd',
    'private/users/eve/x.mp3',
    '__x__',
    '\udfff\ud800',
    '\u0000\u0007\u001b',
    '\u2028\u2029\ufeff',
    'null',
    'undefined',
    'NaN',
    '${jndi:ldap://x}',
    '<script>',
    "'; DROP TABLE stories;--",
    'javascript:alert(1)',
    'http://[::1',
    'http://a\\b@c',
    'gs://b/o',
    'é'.repeat(800),
    '𝄞'.repeat(400),
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 60 }),
);

/** Numbers as JSON spells them, beyond what a number holds too. */
const hostileNumber: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('-0', '0', '1e999', '-1e999', '1e-999', '9007199254740993', '1.0', '0.1', '5e-324'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

/** JSON as text, so that names may come twice, and values be what no JavaScript value gives. */
const hostileJson: fc.Arbitrary<string> = fc.letrec<{ value: string; object: string; list: string }>(
  (tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('null', 'true', 'false', '""', '{}', '[]'),
      hostileNumber,
      hostileText.map((text) => JSON.stringify(text)),
      tie('object'),
      tie('list'),
    ),
    object: fc
      .array(fc.tuple(hostileText, tie('value')), { maxLength: 5 })
      .map((pairs) => `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`),
    list: fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
  }),
).value;

const deep = (depth: number): string[] => [
  `${'['.repeat(depth)}${']'.repeat(depth)}`,
  `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
];

const DEEP = [...deep(20), ...deep(600), ...deep(40_000), `${'['.repeat(100_000)}${']'.repeat(100_000)}`];

const FIELDS = {
  callback: ['audio_url', 'storage_path', 'r2_path', 'duration_ms', 'voice_id', 'voice_name', 'language'],
  'error-callback': ['error', 'error_details', 'voice_id'],
  progress: ['stage', 'progress'],
  generate: [
    'text',
    'voice_id',
    'profile_base64',
    'profile_path',
    'language',
    'story_type',
    'is_kids_voice',
    'model_type',
    'callback_url',
    'story_name',
    'output_basename',
    'output_filename',
    'voice_name',
    'genre',
  ],
  heartbeat: [
    'worker_id',
    'version',
    'engines',
    'state',
    'capacity',
    'queue_depth',
    'in_flight',
    'started_at',
    'expires_at',
  ],
} as const;
export type FuzzedRoute = keyof typeof FIELDS;
export const FUZZED_ROUTES = Object.keys(FIELDS) as FuzzedRoute[];

/** Values that the fields do take, so that a body is wrong in few places or in none. */
const SOUND: Readonly<Record<string, string>> = {
  audio_url: '"https://a.example/x.mp3"',
  storage_path: '"p/x.mp3"',
  error: '"CUDA out of memory"',
  stage: '"storing"',
  progress: '0.5',
  text: '"Once upon a time."',
  voice_id: '"slt"',
  callback_url: '"https://b.example/cb"',
  worker_id: '"w1"',
};

/**
 * A body of this route, as JSON text: some fields sound, some hostile, in any order, some twice.
 *
 * @param storyIds ids of stories, as JSON
 */
export const bodyOf = (route: FuzzedRoute, storyIds: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  const value = fc.oneof(
    { weight: 6, arbitrary: hostileJson },
    { weight: 1, arbitrary: fc.constantFrom(...DEEP) },
  );
  const field = fc.constantFrom<string>(
    ...FIELDS[route],
    'user_id',
    'job_id',
    'metadata',
    'extra',
    '__proto__',
  );
  const sound = [...FIELDS[route], 'user_id', 'job_id'].flatMap((name) =>
    SOUND[name] === undefined ? [] : [`"${name}":${SOUND[name]}`],
  );
  const metadata = fc.option(
    value.map((text) => `"metadata":{"m":${text}}`),
    { nil: undefined },
  );
  return fc
    .tuple(
      storyIds,
      fc.subarray(sound, { minLength: Math.max(0, sound.length - 2) }),
      fc.array(fc.tuple(field, value), { maxLength: 2 }),
      metadata,
      route === 'heartbeat' ? enginesText(value) : fc.constant(undefined),
    )
    .map(([storyId, fields, wrong, extra, list]) => {
      const engines = list === undefined ? [] : [`"engines":${list}`];
      const job = route === 'progress' ? ['"job_id":"j"'] : [];
      const user = route === 'generate' ? ['"user_id":"u1"'] : [];
      const odd = wrong.map(([name, text]) => `${JSON.stringify(name)}:${text}`);
      return `{${[`"story_id":${storyId}`, ...job, ...user, ...engines, ...fields, ...(extra ? [extra] : []), ...odd].join(',')}}`;
    });
};

/** Bytes that are no JSON object of ours at all. */
export const wildBody: fc.Arbitrary<Uint8Array> = fc.oneof(
  hostileJson.map((text) => Buffer.from(text)),
  fc.constantFrom(...DEEP).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }),
  fc
    .constantFrom('', '{', '"', '\ufeff{}', '{"story_id":"s"', '{}{}', 'NaN', '/**/{}', "{'a':1}", '[1,]')
    .map((text) => Buffer.from(text)),
  fc
    .tuple(hostileJson, fc.nat(50))
    .map(([text, cut]) => Buffer.from(text).subarray(0, Math.max(0, text.length - cut))),
  fc.constant(Buffer.from([0x7b, 0x22, 0x73, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d])),
  fc.constant(Buffer.alloc(262_145, 0x20)),
);
