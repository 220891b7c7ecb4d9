import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { DeletionAnswer } from '../live/ask.ts';
import { ConfirmDialog, FailureNotice } from './elements.tsx';

interface Props {
  readonly label: string;
  readonly heading: string;
  readonly testId: string;
  readonly remove: () => Promise<DeletionAnswer>;
  readonly onDeleted: () => void;
  /** What is lost. */
  readonly children: ComponentChildren;
}

/** Deletes for good, after a confirmation. */
export const DeleteButton = ({ label, heading, testId, remove, onDeleted, children }: Props) => {
  const dialog = useRef<HTMLDialogElement>(null);
  const isDeleting = useSignal(false);
  const failure = useSignal<string | undefined>(undefined);
  const act = async (): Promise<void> => {
    isDeleting.value = true;
    failure.value = undefined;
    const answer = await remove();
    isDeleting.value = false;
    if (answer.kind === 'deleted') return onDeleted();
    failure.value =
      answer.kind === 'unreached'
        ? 'The server did not answer. Delete again when the connection is back.'
        : answer.words;
  };
  return (
    <div class="deletion">
      <button
        class="button quiet small-button"
        type="button"
        data-testid={testId}
        aria-disabled={isDeleting.value}
        onClick={() => {
          if (!isDeleting.value) dialog.current?.showModal();
        }}
      >
        {isDeleting.value ? 'Deleting' : label}
      </button>
      <ConfirmDialog
        dialog={dialog}
        heading={heading}
        stay="Keep"
        act="Delete"
        testId={`${testId}-confirm`}
        onAct={() => void act()}
      >
        {children}
      </ConfirmDialog>
      {failure.value !== undefined && (
        <FailureNotice sentence="Not everything could be deleted.">
          <p>{failure.value}</p>
        </FailureNotice>
      )}
    </div>
  );
};
