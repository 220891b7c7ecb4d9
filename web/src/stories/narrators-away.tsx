import { Icon } from '../ui/elements.tsx';

/** Tells, before anybody asks, that there will hardly be an answer now. No failure: asking is allowed. */
export const NarratorsAway = () => (
  <p class="notice" data-testid="narrators-away">
    <Icon name="clock" />
    <span>
      <strong>The narrators for this language are away at the moment.</strong> You can ask anyway: if none of
      them comes back in time, this page tells you, and you can try again.
    </span>
  </p>
);
