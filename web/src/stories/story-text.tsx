import { useSignal } from '@preact/signals';
import { primaryLanguage } from '@taleback/core';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { isSameWords, type Story, type StoryWords } from '../documents/story.ts';
import type { SaveAnswer } from '../live/feed.ts';
import type { Session } from '../session/session.ts';
import { Icon } from '../ui/elements.tsx';
import { StoryForm, trimmed } from './story-form.tsx';

const paragraphsOf = (text: string): readonly string[] =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');

interface Edit {
  readonly written: StoryWords;
  /** The story's words when the edit began: what a save may replace. */
  readonly read: StoryWords;
}

/** The story itself, or the form that changes it. A change of the document does not touch what is being written. */
export const StoryText = ({ session, story }: { session: Session; story: Story }) => {
  const place = useMemo(() => session.draftOf(story.id), [session, story.id]);
  const edit = useSignal<Edit | undefined>(undefined);
  const refusedFor = useSignal<StoryWords | undefined>(undefined);
  const editButton = useRef<HTMLButtonElement>(null);
  const isEditing = edit.value !== undefined;
  const wasEditing = useRef(false);
  useLayoutEffect(() => {
    if (isEditing) document.querySelector<HTMLElement>('.text-panel input')?.focus();
    else if (wasEditing.current) editButton.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);

  const open = (): void => {
    const { title, text } = story;
    const draft = place.read();
    const read = draft?.read ?? { title, text };
    edit.value = { written: draft === undefined ? read : { title: draft.title, text: draft.text }, read };
    refusedFor.value = undefined;
  };
  const close = (): void => {
    edit.value = undefined;
  };
  const keep = (next: Edit): void => {
    edit.value = next;
    if (isSameWords(next.written, next.read)) place.forget();
    else place.keep({ ...next.written, read: next.read });
  };
  const save = async (words: StoryWords): Promise<SaveAnswer> => {
    const { written, read } = edit.value ?? { written: words, read: words };
    const answer = await session.feed.editStory(story.id, words, read);
    if (answer.kind === 'saved') place.forget(written);
    refusedFor.value = answer.kind === 'conflict' ? answer.saved : undefined;
    return answer;
  };

  /** What the story contains by now, when that is neither what was read nor what is written. */
  const conflictOf = ({ written, read }: Edit): StoryWords | undefined => {
    const saved = refusedFor.value ?? story;
    return isSameWords(saved, read) || isSameWords(saved, trimmed(written)) ? undefined : saved;
  };
  const conflict = edit.value && conflictOf(edit.value);
  const isInConflict = conflict !== undefined && refusedFor.value === undefined;
  useEffect(() => {
    if (isInConflict) session.say('The story was changed somewhere else.');
  }, [isInConflict]);
  const draft = edit.value === undefined ? place.read() : undefined;
  const hasDraft = draft !== undefined && !isSameWords(draft, story);

  return (
    <section class="text-panel" aria-labelledby="text-heading">
      <div class="panel-head">
        <h2 id="text-heading">Story</h2>
        {!isEditing && (
          <button
            ref={editButton}
            class="button quiet small-button"
            type="button"
            data-testid="edit-story"
            onClick={open}
          >
            {hasDraft ? 'Continue editing' : 'Edit'}
          </button>
        )}
      </div>
      {hasDraft && (
        <p class="notice" data-testid="draft-note">
          <Icon name="history" />
          <span>
            <strong>You have writing here that is not saved.</strong> Continue editing to save or discard it.
          </span>
        </p>
      )}
      {edit.value === undefined ? (
        <div class="prose" lang={story.language}>
          {paragraphsOf(story.text).map((paragraph) => (
            <p key={paragraph}>{paragraph}</p>
          ))}
        </div>
      ) : (
        <StoryForm
          written={edit.value.written}
          language={story.language}
          languages={[primaryLanguage(story.language)]}
          draft={
            isSameWords(edit.value.written, edit.value.read)
              ? 'none'
              : place.isStored()
                ? 'kept'
                : 'in-memory'
          }
          conflict={conflict}
          onWrite={(written) => {
            if (edit.value !== undefined) keep({ ...edit.value, written });
          }}
          onSave={save}
          onSaved={() => {
            close();
            session.say('The story is saved.');
          }}
          onOverwrite={() => {
            if (edit.value !== undefined && conflict !== undefined) keep({ ...edit.value, read: conflict });
          }}
          onCancel={close}
          onDiscard={() => {
            place.forget();
            close();
          }}
        />
      )}
    </section>
  );
};
