import { useSignal } from '@preact/signals';
import { HOME_HREF, type Session, storyHref } from '../session/index.ts';
import { PageHeading } from '../ui/index.ts';
import { LANGUAGES } from './draft.ts';
import { LanguageSelect } from './language-select.tsx';
import { SAMPLES } from './samples.ts';
import { StoryForm, type Written } from './story-form.tsx';
import { VoiceSelect } from './voice-select.tsx';
import { DEFAULT_VOICE_ID, voiceLabel } from './voices.ts';

/** Writes a new story, from nothing or from a fable. */
export const NewStoryPage = ({ session, go }: { session: Session; go: (href: string) => void }) => {
  const written = useSignal<Written>({ title: '', text: '' });
  const language = useSignal(LANGUAGES[0] ?? 'en');
  const voiceId = useSignal(DEFAULT_VOICE_ID);
  return (
    <>
      <PageHeading>New story</PageHeading>
      <section class="samples" aria-labelledby="samples-heading">
        <h2 id="samples-heading">Begin with a fable</h2>
        <ul>
          {SAMPLES.map((sample) => (
            <li key={sample.slug}>
              <button
                class="chip"
                type="button"
                data-testid={`sample-${sample.slug}`}
                onClick={() => {
                  written.value = { title: sample.title, text: sample.text };
                  session.say(`The form holds ${sample.title}.`);
                }}
              >
                {sample.title}
              </button>
            </li>
          ))}
        </ul>
      </section>
      <StoryForm
        written={written.value}
        language={language.value}
        isOffline={session.connection.value === 'offline'}
        onWrite={(next) => {
          written.value = next;
        }}
        onSave={(story) =>
          session.feed.createStory({
            ...story,
            language: language.value,
            voiceId: voiceId.value,
            voiceName: voiceLabel(voiceId.value, undefined),
          })
        }
        onSaved={(storyId) => go(storyHref(storyId))}
        onCancel={() => go(HOME_HREF)}
      >
        <div class="field-row">
          <LanguageSelect
            language={language.value}
            onChoose={(code) => {
              language.value = code;
            }}
          />
          <VoiceSelect
            label="Voice"
            voiceId={voiceId.value}
            onChoose={(id) => {
              voiceId.value = id;
            }}
          />
        </div>
      </StoryForm>
    </>
  );
};
