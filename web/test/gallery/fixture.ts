import type { Attempt } from '../../src/documents/attempt.ts';
import type { Engine } from '../../src/documents/engine.ts';
import type { Fields } from '../../src/documents/fields.ts';
import type { NarrationKind } from '../../src/documents/narration.ts';
import type { Story } from '../../src/documents/story.ts';
import type { AskAnswer } from '../../src/live/ask.ts';
import type { Found, Reader, SaveAnswer, Snapshot } from '../../src/live/feed.ts';
import type { ViewKind } from '../../src/live/view.ts';
import type { Draft } from '../../src/session/drafts.ts';
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
  /** The answer to a save of an edit, when the state is one that it leads to. */
  readonly saveAnswer: SaveAnswer | undefined;
  /** Unsaved writing, by story; that of a new story under the empty name. */
  readonly drafts: Readonly<Record<string, Draft>>;
  /** Buttons that are pressed, by test id, to come to the state. */
  readonly presses: readonly string[];
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
  saveAnswer: undefined,
  drafts: {},
  presses: [],
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
