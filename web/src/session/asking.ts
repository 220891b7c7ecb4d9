import { type ReadonlySignal, signal } from '@preact/signals';
import type { AskAnswer } from '../live/ask.ts';
import type { AudioAsk, Feed } from '../live/feed.ts';

/** Where a person's ask for a narration stands. An ask that was granted shows in the story itself. */
export type AskState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'asking' }
  | Extract<AskAnswer, { kind: 'refused' | 'unreached' }>;

/** An ask that opened an attempt needs no words of its own: the story turns to waiting. */
const NEWS = {
  'under-way': 'The narrator is at work on this story already.',
  'already-ready': 'The narration is ready already.',
} as const;

/** Asks the feed for narrations, one at a time, and reports the outcome. */
export const createAsking = (
  feed: Pick<Feed, 'requestAudio' | 'retryAudio'>,
  say: (words: string) => void,
) => {
  const state = signal<AskState>({ kind: 'idle' });
  return {
    state: state as ReadonlySignal<AskState>,
    /** Asks, unless an ask is still out: a double click is one ask. */
    ask: async (kind: 'request' | 'retry', ask: AudioAsk): Promise<void> => {
      if (state.peek().kind === 'asking') return;
      state.value = { kind: 'asking' };
      const answer = await (kind === 'request' ? feed.requestAudio(ask) : feed.retryAudio(ask));
      if (answer.kind === 'refused' || answer.kind === 'unreached') {
        state.value = answer;
        return;
      }
      state.value = { kind: 'idle' };
      if (answer.kind !== 'opened') say(NEWS[answer.kind]);
    },
    /** Forgets a refusal, once the story has moved on. */
    forget: (): void => {
      if (state.peek().kind !== 'asking') state.value = { kind: 'idle' };
    },
  };
};
