import '../../src/styles/index.css';
import { signal } from '@preact/signals';
import { render } from 'preact';
import { App } from '../../src/app.tsx';
import { createFixtures } from './fixtures.ts';
import { stageFixture } from './staged-page.tsx';

/** Shows one state of the page, named by `?state=`, or the list of all of them. For development only. */
const audioUrl = new URL('./silence.wav', import.meta.url).href;
const fixtures = createFixtures(audioUrl);
const wanted = new URLSearchParams(location.search).get('state');
const fixture = fixtures.find(({ name }) => name === wanted);
const press = (id: string): void => document.querySelector<HTMLElement>(`[data-testid=${id}]`)?.click();
const root = document.getElementById('app') ?? document.body;

if (fixture === undefined) {
  render(
    <div class="layout">
      <main>
        <h1>States of the page</h1>
        <ul>
          {fixtures.map(({ name }) => (
            <li key={name}>
              <a href={`?state=${name}`}>{name}</a>
            </li>
          ))}
        </ul>
      </main>
    </div>,
    root,
  );
} else {
  const { session, go } = stageFixture(fixture);
  render(<App session={session} tokenAnswer={signal(undefined)} go={go} />, root);
  if (fixture.answer !== undefined) press('narrate');
  for (const id of fixture.presses) {
    press(id);
    await new Promise((resolve) => {
      setTimeout(resolve);
    });
  }
}
