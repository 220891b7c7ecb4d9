import type { NarrationKind } from '../documents/narration.ts';
import type { ViewKind } from '../live/view.ts';
import { Icon, type IconName } from './elements.tsx';

/** How each state of a narration is shown: always a word with an icon, and a colour from the style sheet. */
export const NARRATION_SIGNS: Readonly<Record<NarrationKind, { icon: IconName; word: string }>> = {
  none: { icon: 'book', word: 'Not narrated' },
  pending: { icon: 'clock', word: 'Waiting' },
  processing: { icon: 'waves', word: 'Narrating' },
  ready: { icon: 'check', word: 'Ready' },
  failed: { icon: 'warning', word: 'Failed' },
  silent: { icon: 'question', word: 'No word' },
};

export const NarrationBadge = ({ kind }: { kind: NarrationKind }) => {
  const { icon, word } = NARRATION_SIGNS[kind];
  return (
    <span class="badge" data-kind={kind}>
      <Icon name={icon} />
      {word}
    </span>
  );
};

const CONNECTION_SIGNS: Readonly<Record<ViewKind, { icon: IconName; word: string; hint: string }>> = {
  connecting: { icon: 'clock', word: 'Connecting', hint: 'Waiting for the first word from the server.' },
  live: { icon: 'signal', word: 'Live', hint: 'Changes appear by themselves.' },
  stale: { icon: 'history', word: 'Catching up', hint: 'Contact was lost; this is the last we knew.' },
  offline: {
    icon: 'broken',
    word: 'Offline',
    hint: 'There is no contact with the server; this is the last we knew.',
  },
  denied: {
    icon: 'lock',
    word: 'No access',
    hint: 'The server does not show this to you. The page tries again.',
  },
};

/** How fresh the page is: a word, an icon and a colour. */
export const ConnectionBadge = ({ state }: { state: ViewKind }) => {
  const { icon, word, hint } = CONNECTION_SIGNS[state];
  return (
    <p class="connection" data-testid="connection" data-state={state} title={hint}>
      <Icon name={icon} />
      <span>{word}</span>
    </p>
  );
};

/** Says in a full sentence that the page is not up to date, above what is out of date. */
export const ConnectionNotice = ({ state }: { state: ViewKind }) => {
  if (state !== 'stale' && state !== 'offline') return null;
  return (
    <p class="notice" data-state={state}>
      <Icon name={CONNECTION_SIGNS[state].icon} />
      <span>
        <strong>{state === 'offline' ? 'Offline.' : 'Contact was lost.'}</strong>{' '}
        {state === 'offline'
          ? 'There is no contact with the server. This is the last we knew; the page catches up automatically.'
          : 'This is the last we knew. The page is catching up.'}
      </span>
    </p>
  );
};
