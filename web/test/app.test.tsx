import axe from 'axe-core';
import { signal } from '@preact/signals';
import { cleanup, fireEvent, render } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import { turn } from './turn.ts';
import { App } from '../src/app.tsx';
import { stageFixture } from './gallery/staged-page.tsx';
import { createFixtures } from './gallery/fixtures.ts';

const fixtures = createFixtures('https://audio.test/story.mp3');

const byTestId = (id: string): HTMLElement | null => document.querySelector(`[data-testid="${id}"]`);

afterEach(cleanup);

describe.each(fixtures)('$name', (fixture) => {
  const show = async () => {
    const stage = stageFixture(fixture);
    render(<App session={stage.session} tokenAnswer={signal(undefined)} go={stage.go} />);
    const presses = fixture.answer === undefined ? fixture.presses : ['narrate', ...fixture.presses];
    for (const id of presses) await turn(() => fireEvent.click(byTestId(id) as HTMLElement));
  };

  it('shows its state and its words', async () => {
    await show();
    expect(byTestId('connection')?.dataset['state']).toBe(fixture.connection);
    expect(byTestId('audio-status')?.dataset['status']).toBe(fixture.status);
    for (const words of fixture.words) expect(document.body.textContent).toContain(words);
  });

  it('has one first heading, one polite region, and nothing that axe-core finds', async () => {
    await show();
    expect(document.querySelectorAll('h1')).toHaveLength(1);
    expect(document.querySelectorAll('[role=status]')).toHaveLength(1);
    expect(document.querySelectorAll('main')).toHaveLength(1);
    // Colours need a real browser; the end-to-end tests look at them there.
    const { violations } = await axe.run(document.body, {
      rules: { 'color-contrast': { enabled: false } },
      resultTypes: ['violations'],
    });
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  });
});
