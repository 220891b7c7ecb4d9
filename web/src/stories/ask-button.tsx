import type { AskState } from '../session/index.ts';

interface Props {
  readonly kind: 'narrate' | 'try-again';
  readonly label: string;
  readonly isQuiet?: boolean;
  readonly state: AskState;
  readonly onAsk: () => void;
}

/**
 * Asks for a narration. It stays in the tab order while an ask is out, so that focus is not lost; whoever takes the
 * ask makes one of two presses.
 */
export const AskButton = ({ kind, label, isQuiet = false, state, onAsk }: Props) => {
  const isAsking = state.kind === 'asking';
  return (
    <button
      type="button"
      class={isQuiet ? 'button quiet' : 'button'}
      data-testid={kind}
      aria-disabled={isAsking}
      onClick={onAsk}
    >
      {isAsking ? 'Asking the narrator' : label}
    </button>
  );
};
