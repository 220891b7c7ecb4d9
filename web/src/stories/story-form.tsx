import { checkStory, DEFAULT_STORY_LIMITS, describeError } from '@taleback/core';
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { StoryWords } from '../documents/story.ts';
import type { SaveAnswer } from '../live/feed.ts';
import { ConfirmDialog, FailureNotice } from '../ui/elements.tsx';
import { Conflict } from './conflict.tsx';
import { TextField } from './fields.tsx';
import { LANGUAGES } from './voices.ts';

/** Longer titles are cut off everywhere they are shown. */
export const MAX_TITLE_CHARACTERS = 200;
export const MAX_TEXT_CHARACTERS = DEFAULT_STORY_LIMITS.maxCharacters;

/** What is wrong with a draft, by field; empty when it can be saved. */
export interface DraftFaults {
  readonly title?: string;
  readonly text?: string;
  readonly language?: string;
}

/**
 * Checks what a person wrote by the same rules as the narrator, so that they hear of it before they ask.
 *
 * @param languages codes without region that an engine speaks
 */
export const checkDraft = (
  draft: { title: string; text: string; language: string },
  languages: readonly string[] = LANGUAGES,
): DraftFaults => {
  const title = draft.title.trim() === '' ? { title: 'Give the story a title.' } : {};
  const check = checkStory(draft, { ...DEFAULT_STORY_LIMITS, languages });
  return check.ok ? title : { ...title, [check.field]: describeError(check.code).sentence };
};

/** The words as they are saved. */
export const trimmed = ({ title, text }: StoryWords): StoryWords => ({
  title: title.trim(),
  text: text.trim(),
});

interface Props {
  readonly written: StoryWords;
  readonly language: string;
  /** Codes that an engine speaks. */
  readonly languages: readonly string[];
  /** Whether a save waits for the connection. */
  readonly isWaiting?: boolean;
  /** Whether there is unsaved writing, and whether it survives a reload. */
  readonly draft: 'none' | 'kept' | 'in-memory';
  /** What the story contains by now, when it was changed while this was written. */
  readonly conflict?: StoryWords | undefined;
  readonly children?: ComponentChildren;
  readonly onWrite: (written: StoryWords) => void;
  readonly onSave: (written: StoryWords) => Promise<SaveAnswer>;
  readonly onSaved: (storyId: string) => void;
  /** Takes the conflict as read, so that the next save replaces it. */
  readonly onOverwrite?: () => void;
  readonly onCancel: () => void;
  readonly onDiscard: () => void;
}

const COUNT = new Intl.NumberFormat();

const DRAFT_WORDS = {
  kept: 'Your writing is kept in this browser until you save or discard it.',
  'in-memory': 'This browser stores nothing for this page: until you save your writing, keep the page open.',
} as const;

/** Why the last save did not happen. */
const SaveFault = ({ answer }: { answer: SaveAnswer }) => {
  if (answer.kind !== 'refused' && answer.kind !== 'unreached') return null;
  return (
    <FailureNotice sentence="The story could not be saved.">
      <p>
        {answer.kind === 'refused' ? answer.words : 'The server cannot be reached. Try again in a moment.'}
      </p>
    </FailureNotice>
  );
};

/** Writes a title and a text; saving twice while the first is on its way is saving once. */
export const StoryForm = (props: Props) => {
  const { written, language, languages, draft, conflict, onWrite } = props;
  const form = useRef<HTMLFormElement>(null);
  const discard = useRef<HTMLDialogElement>(null);
  const faults = useSignal<DraftFaults>({});
  const isSaving = useSignal(false);
  const answer = useSignal<SaveAnswer | undefined>(undefined);

  useEffect(() => {
    if (draft !== 'in-memory') return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [draft]);

  const save = async (): Promise<void> => {
    if (isSaving.value) return;
    faults.value = checkDraft({ ...written, language }, languages);
    if (Object.keys(faults.value).length > 0) {
      const wrong = faults.value.title === undefined ? 'textarea' : 'input';
      form.current?.querySelector<HTMLElement>(wrong)?.focus();
      return;
    }
    isSaving.value = true;
    answer.value = undefined;
    const came = await props.onSave(trimmed(written));
    isSaving.value = false;
    answer.value = came;
    // A person who has gone on to another page stays there.
    if (came.kind === 'saved' && form.current !== null) props.onSaved(came.storyId);
  };

  return (
    <>
      <form
        ref={form}
        class="story-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <TextField
          label="Title"
          testId="story-title"
          value={written.title}
          maxLength={MAX_TITLE_CHARACTERS}
          readOnly={isSaving.value}
          fault={faults.value.title}
          onWrite={(title) => onWrite({ ...written, title })}
        />
        <TextField
          label="Text"
          testId="story-text"
          value={written.text}
          rows={12}
          hint={`${COUNT.format(written.text.trim().length)} of ${COUNT.format(MAX_TEXT_CHARACTERS)} characters`}
          readOnly={isSaving.value}
          fault={faults.value.text ?? faults.value.language}
          onWrite={(text) => onWrite({ ...written, text })}
        />
        {props.children}
        {answer.value !== undefined && <SaveFault answer={answer.value} />}
        {conflict !== undefined && (
          <Conflict
            saved={conflict}
            isRefused={answer.value?.kind === 'conflict'}
            onKeepMine={() => {
              props.onOverwrite?.();
              void save();
            }}
            onDiscard={() => discard.current?.showModal()}
          />
        )}
        <div class="actions">
          <button class="button" type="submit" data-testid="save-story" aria-disabled={isSaving.value}>
            {isSaving.value ? 'Saving' : 'Save the story'}
          </button>
          <button class="button quiet" type="button" data-testid="cancel" onClick={props.onCancel}>
            Cancel
          </button>
          {draft !== 'none' && conflict === undefined && (
            <button
              class="button quiet"
              type="button"
              data-testid="discard"
              onClick={() => discard.current?.showModal()}
            >
              Discard
            </button>
          )}
        </div>
        {draft !== 'none' && <p class="small">{DRAFT_WORDS[draft]}</p>}
        {isSaving.value && props.isWaiting === true && (
          <p class="small">It is saved as soon as the connection is back. Keep this page open until then.</p>
        )}
      </form>
      <ConfirmDialog
        dialog={discard}
        heading="Discard your writing?"
        stay="Keep it"
        act="Discard it"
        testId="discard-confirm"
        onAct={props.onDiscard}
      >
        It is not saved, and it cannot be restored.
      </ConfirmDialog>
    </>
  );
};
