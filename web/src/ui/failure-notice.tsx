import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

/** A failure, told at once to those who cannot see it appear. */
export const FailureNotice = ({ children }: { children: ComponentChildren }) => (
  <div class="failure" role="alert">
    <Icon name="warning" />
    <div>{children}</div>
  </div>
);
