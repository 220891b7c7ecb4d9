import type { NarrationKind } from '../documents/narration.ts';
import { type IconName, Icon } from '../ui/elements.tsx';

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
