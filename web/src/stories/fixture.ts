import type { Attempt, Engine, Fields, NarrationKind, Story } from '../documents/index.ts';
import type { AskAnswer, Found, Reader, Snapshot, ViewKind } from '../live/index.ts';
import { asked, GUEST, OTHERS, STORY_ID, story } from './fixture-documents.ts';

/** One state of the page, and what must be seen of it. */
export interface Fixture {
  readonly name: string;
  readonly fragment: string;
  /** `unknown` until Auth has spoken. */
  readonly reader: Reader | undefined | 'unknown';
  readonly stories: readonly Telling<readonly Story[]>[];
  readonly story: readonly Telling<Found<Story>>[];
  readonly attempts: readonly Attempt[];
  readonly engines: readonly Telling<readonly Engine[]>[];
  readonly isOnline: boolean;
  /** The answer to a press on the button, when the state is one that an answer leads to. */
  readonly answer: AskAnswer | 'none yet' | undefined;
  readonly connection: ViewKind | undefined;
  readonly status: NarrationKind | undefined;
  /** Words that must stand on the page. */
  readonly words: readonly string[];
}

type Telling<T> = Snapshot<T> | 'denied';

export const base: Fixture = {
  name: '',
  fragment: `#story=${STORY_ID}`,
  reader: GUEST,
  stories: [],
  story: [],
  attempts: [],
  engines: [],
  isOnline: true,
  answer: undefined,
  connection: 'live',
  status: undefined,
  words: [],
};

/** A state of one open story. */
export const open = (name: string, fields: Fields, rest: Partial<Fixture>): Fixture => {
  const document = story(fields);
  return {
    ...base,
    name,
    stories: [{ from: 'server', value: [document, ...OTHERS] }],
    story: [{ from: 'server', value: { document } }],
    ...rest,
  };
};

export const failed = (code: string, fields: Fields = {}): Fields =>
  asked({ audioStatus: 'failed', audioErrorCode: code, ...fields });
