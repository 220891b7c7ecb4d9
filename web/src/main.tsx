import './styles/index.css';
import { effect, signal } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { type ParsedConfig, loadConfig } from './config.ts';
import type { Feed, SignInAnswer } from './live/feed.ts';
import { systemClock } from './live/follow.ts';
import { openServerClock, readServerTime } from './live/server-clock.ts';
import { createDrafts } from './session/drafts.ts';
import { parseRoute, takeToken } from './session/route.ts';
import { openSession } from './session/session.ts';
import { Broken, Unconfigured, Unreached } from './welcome.tsx';

/** How long to wait before the configuration is asked for again. */
const RELOAD_CONFIG_MS = 3000;

const root = document.getElementById('app') ?? document.body;
const isOnline = signal(navigator.onLine);
const route = signal(parseRoute(''));
/** The last sign-in token that came in the address. */
const token = signal<string | undefined>(undefined);

/** Counts the moments at which what failed may succeed. */
const wakes = signal(0);

for (const event of ['online', 'offline']) {
  addEventListener(event, () => {
    isOnline.value = navigator.onLine;
  });
}
for (const event of ['online', 'focus', 'visibilitychange']) {
  addEventListener(event, () => {
    if (document.visibilityState === 'visible') wakes.value += 1;
  });
}

/** Reads the route, and takes a sign-in token out of the address. */
const readAddress = (): void => {
  const { token: taken, rest } = takeToken(location.hash);
  if (taken !== undefined) {
    history.replaceState(history.state, '', `${location.pathname}${location.search}${rest}`);
    token.value = taken;
  }
  route.value = parseRoute(location.hash);
};
addEventListener('hashchange', readAddress);
readAddress();

const go = (href: string): void => {
  location.hash = href;
};

const configured = async (): Promise<ParsedConfig> => {
  for (;;) {
    const loaded = await loadConfig(fetch.bind(globalThis), location.hostname);
    if (!('unreachable' in loaded)) return loaded;
    render(<Unreached />, root);
    await new Promise<void>((resolve) => {
      systemClock.after(RELOAD_CONFIG_MS, resolve);
    });
  }
};

const start = async (): Promise<void> => {
  // Both are needed and neither waits for the other, so the larger download begins first.
  const adapter = import('./live/firebase-feed.ts');
  adapter.catch(() => undefined);
  const fetcher = fetch.bind(globalThis);
  const clock = openServerClock(systemClock, () => readServerTime(fetcher), wakes);
  const loaded = await configured();
  if (!loaded.ok) {
    render(<Unconfigured sentence={loaded.sentence} />, root);
    return;
  }
  let feed: Feed;
  try {
    feed = await (await adapter).openFirebaseFeed(loaded.config);
  } catch (fault) {
    render(<Broken words={String(fault)} />, root);
    return;
  }
  const tokenAnswer = signal<SignInAnswer | undefined>(undefined);
  const useToken = async (taken: string): Promise<void> => {
    tokenAnswer.value = await feed.signInWithToken(taken);
  };
  effect(() => {
    if (token.value !== undefined && loaded.config.emulators !== undefined) void useToken(token.value);
  });
  await clock.isAsked;
  const drafts = createDrafts(() => localStorage);
  const session = openSession(feed, route, { clock, isOnline, wakes, drafts });
  render(<App session={session} tokenAnswer={tokenAnswer} go={go} />, root);
};

void start();
