import type { NarrationKind } from '../documents/index.ts';
import { Icon } from '../ui/index.ts';
import { NARRATION_SIGNS } from './narration-signs.ts';

export const NarrationBadge = ({ kind }: { kind: NarrationKind }) => {
  const { icon, word } = NARRATION_SIGNS[kind];
  return (
    <span class="badge" data-kind={kind}>
      <Icon name={icon} />
      {word}
    </span>
  );
};
