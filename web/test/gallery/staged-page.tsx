import { signal } from '@preact/signals';
import { createFakeFeed, type FakeFeed } from '../fake-feed.ts';
import { createManualClock, type ManualClock } from '../manual-clock.ts';
import { openSession, type Session } from '../../src/session/session.ts';
import { createDrafts } from '../../src/session/drafts.ts';
import { parseRoute } from '../../src/session/route.ts';
import type { Fixture } from './fixture.ts';
import { FIXTURE_NOW_MS, GUEST } from './fixture-documents.ts';

/** A session in the state of a fixture, and the means to move it on. */
export interface Stage {
  readonly feed: FakeFeed;
  readonly session: Session;
  readonly clock: ManualClock;
  readonly isOnline: { value: boolean };
  readonly wakes: { value: number };
  readonly go: (href: string) => void;
}

export const stageFixture = (fixture: Fixture): Stage => {
  const feed = createFakeFeed();
  const clock = createManualClock(FIXTURE_NOW_MS);
  const isOnline = signal(fixture.isOnline);
  const route = signal(parseRoute(fixture.fragment));
  const wakes = signal(0);
  const drafts = createDrafts(() => {
    throw new Error('forbidden');
  });
  const session = openSession(feed, route, { clock, isOnline, wakes, drafts });
  for (const [storyId, draft] of Object.entries(fixture.drafts)) drafts(GUEST.uid, storyId).keep(draft);
  if (fixture.reader !== 'unknown') feed.sendReader(fixture.reader);
  for (const event of fixture.stories) feed.stories.send(event);
  for (const event of fixture.story) feed.story.send(event);
  if (fixture.attempts.length > 0) feed.attempts.send({ from: 'server', value: fixture.attempts });
  for (const event of fixture.engines) feed.engines.send(event);
  const { answer, saveAnswer } = fixture;
  if (saveAnswer !== undefined) feed.answers.edit = () => Promise.resolve(saveAnswer);
  if (answer === 'none yet') feed.answers.ask = () => new Promise(() => undefined);
  else if (answer !== undefined) feed.answers.ask = () => Promise.resolve(answer);
  const go = (href: string): void => {
    route.value = parseRoute(href);
  };
  return { feed, session, clock, isOnline, wakes, go };
};
