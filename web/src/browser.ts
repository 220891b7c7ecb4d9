import { type ReadonlySignal, signal } from '@preact/signals';
import { parseRoute, type Route, takeToken } from './session/route.ts';

/** What the page reads from the browser: its network and its address. */
export interface Browser {
  readonly isOnline: ReadonlySignal<boolean>;
  readonly route: ReadonlySignal<Route>;
  readonly go: (href: string) => void;
}

/** @param useToken is given each sign-in token that came in the address, after it was taken out of it */
export const readBrowser = (useToken: (token: string) => void): Browser => {
  const isOnline = signal(navigator.onLine);
  const tellNetwork = (): void => {
    isOnline.value = navigator.onLine;
  };
  addEventListener('online', tellNetwork);
  addEventListener('offline', tellNetwork);

  const route = signal<Route>({ kind: 'home' });
  const readAddress = (): void => {
    const { token, rest } = takeToken(location.hash);
    if (token !== undefined) {
      history.replaceState(history.state, '', `${location.pathname}${location.search}${rest}`);
      useToken(token);
    }
    route.value = parseRoute(location.hash);
  };
  addEventListener('hashchange', readAddress);
  readAddress();
  return {
    isOnline,
    route,
    go: (href) => {
      location.hash = href;
    },
  };
};
