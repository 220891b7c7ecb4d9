import { signal } from '@preact/signals';
import { fireEvent, render } from '@testing-library/preact';
import { App } from '../src/app.tsx';
import type { Fields } from '../src/documents/fields.ts';
import { readStory } from '../src/documents/story.ts';
import { STORY_ID } from './gallery/fixture-documents.ts';
import { createFixtures } from './gallery/fixtures.ts';
import { type Stage, stageFixture } from './gallery/staged-page.tsx';
import { turn } from './turn.ts';

export const AUDIO_URL = 'https://audio.test/story.mp3';
const fixtures = createFixtures(AUDIO_URL);

/** Shows the page in the state of a fixture. */
export const show = (name: string): Stage => {
  const fixture = fixtures.find((one) => one.name === name);
  if (fixture === undefined) throw new Error(`no fixture is called ${name}`);
  const stage = stageFixture(fixture);
  render(<App session={stage.session} tokenAnswer={signal(undefined)} go={stage.go} />);
  return stage;
};

export const find = (id: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(`[data-testid="${id}"]`);
  if (found === null) throw new Error(`there is no ${id}`);
  return found;
};
export const click = (id: string) => turn(() => fireEvent.click(find(id)));
export const write = (id: string, value: string) =>
  turn(() => fireEvent.input(find(id), { target: { value } }));
export const choose = (id: string, value: string) =>
  turn(() => fireEvent.change(find(id), { target: { value } }));
export const said = () => document.querySelector('[role=status]')?.textContent?.trim();
export const alerts = () =>
  [...document.querySelectorAll('[role=alert]')].map(({ textContent }) => textContent);

/** The server sends a change of the open story. */
export const send = (stage: Stage, fields: Fields) =>
  turn(() => {
    const document = readStory(STORY_ID, { title: 'A tale', text: 'Once.', voiceId: 'slt', ...fields });
    stage.feed.story.send({ from: 'server', value: { document } });
  });
