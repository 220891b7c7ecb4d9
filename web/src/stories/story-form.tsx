import { checkStory, DEFAULT_STORY_LIMITS, describeError } from '@taleback/core';
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import type { SaveAnswer } from '../live/feed.ts';
import { FailureNotice } from '../ui/elements.tsx';
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

export interface Written {
  readonly title: string;
  readonly text: string;
}

interface Props {
  readonly written: Written;
  readonly language: string;
  /** Codes that an engine speaks. */
  readonly languages: readonly string[];
  readonly isOffline: boolean;
  readonly children?: ComponentChildren;
  readonly onWrite: (written: Written) => void;
  readonly onSave: (written: Written) => Promise<SaveAnswer>;
  readonly onSaved: (storyId: string) => void;
  readonly onCancel: () => void;
}

const COUNT = new Intl.NumberFormat();

/** Writes a title and a text; saving twice while the first is on its way is saving once. */
export const StoryForm = (props: Props) => {
  const { written, language, languages, onWrite } = props;
  const form = useRef<HTMLFormElement>(null);
  const faults = useSignal<DraftFaults>({});
  const isSaving = useSignal(false);
  const refusal = useSignal<string | undefined>(undefined);

  const save = async (): Promise<void> => {
    if (isSaving.value) return;
    faults.value = checkDraft({ ...written, language }, languages);
    if (Object.keys(faults.value).length > 0) {
      const wrong = faults.value.title === undefined ? 'textarea' : 'input';
      form.current?.querySelector<HTMLElement>(wrong)?.focus();
      return;
    }
    isSaving.value = true;
    refusal.value = undefined;
    const answer = await props.onSave({ title: written.title.trim(), text: written.text.trim() });
    isSaving.value = false;
    if (answer.kind === 'saved') props.onSaved(answer.storyId);
    else refusal.value = answer.words;
  };

  return (
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
        fault={faults.value.title}
        onWrite={(title) => onWrite({ ...written, title })}
      />
      <TextField
        label="Text"
        testId="story-text"
        value={written.text}
        rows={12}
        hint={`${COUNT.format(written.text.trim().length)} of ${COUNT.format(MAX_TEXT_CHARACTERS)} characters`}
        fault={faults.value.text ?? faults.value.language}
        onWrite={(text) => onWrite({ ...written, text })}
      />
      {props.children}
      {refusal.value !== undefined && (
        <FailureNotice sentence="The story could not be saved.">
          <p>{refusal.value}</p>
        </FailureNotice>
      )}
      <div class="actions">
        <button class="button" type="submit" data-testid="save-story" aria-disabled={isSaving.value}>
          {isSaving.value ? 'Saving' : 'Save the story'}
        </button>
        <button class="button quiet" type="button" onClick={props.onCancel}>
          Cancel
        </button>
      </div>
      {isSaving.value && props.isOffline && (
        <p class="small">It is saved as soon as the connection is back. Keep this page open until then.</p>
      )}
    </form>
  );
};
