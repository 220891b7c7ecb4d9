import { useSignal } from '@preact/signals';
import { primaryLanguage } from '@taleback/core';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Story } from '../documents/story.ts';
import type { Session } from '../session/session.ts';
import { StoryForm, type Written } from './story-form.tsx';

const paragraphsOf = (text: string): readonly string[] =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '');

/** The story itself, or the form that changes it. A change of the document does not touch what is being written. */
export const StoryText = ({ session, story }: { session: Session; story: Story }) => {
  const edited = useSignal<Written | undefined>(undefined);
  const editButton = useRef<HTMLButtonElement>(null);
  const isEditing = edited.value !== undefined;
  const wasEditing = useRef(false);
  useLayoutEffect(() => {
    if (isEditing) document.querySelector<HTMLElement>('.text-panel input')?.focus();
    else if (wasEditing.current) editButton.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  const close = (): void => {
    edited.value = undefined;
  };

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
            onClick={() => {
              edited.value = { title: story.title, text: story.text };
            }}
          >
            Edit
          </button>
        )}
      </div>
      {edited.value === undefined ? (
        <div class="prose" lang={story.language}>
          {paragraphsOf(story.text).map((paragraph) => (
            <p key={paragraph}>{paragraph}</p>
          ))}
        </div>
      ) : (
        <StoryForm
          written={edited.value}
          language={story.language}
          languages={[primaryLanguage(story.language)]}
          isOffline={session.connection.value === 'offline'}
          onWrite={(next) => {
            edited.value = next;
          }}
          onSave={(written) => session.feed.editStory(story.id, written)}
          onSaved={() => {
            close();
            session.say('The story is saved.');
          }}
          onCancel={close}
        />
      )}
    </section>
  );
};
