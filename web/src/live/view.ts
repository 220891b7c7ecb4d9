import type { Snapshot } from './feed.ts';

/**
 * What the page may say of something it watches.
 *
 * - `connecting`: no word from the server yet; a value, when there is one, is from the cache
 * - `live`: as the server has it now
 * - `stale`: contact was lost a moment ago; the value is the last that was known
 * - `offline`: the browser is offline, or the server has not answered for long
 * - `denied`: the server will not show it to this reader; only its own word changes that
 */
export type View<T> =
  | { readonly kind: 'connecting'; readonly value: T | undefined }
  | { readonly kind: 'live'; readonly value: T }
  | { readonly kind: 'stale'; readonly value: T | undefined }
  | { readonly kind: 'offline'; readonly value: T | undefined }
  | { readonly kind: 'denied' };

export type ViewKind = View<unknown>['kind'];

/** The independent facts that a view is drawn from. */
export interface Facts<T> {
  readonly snapshot: Snapshot<T> | undefined;
  /** What was last known, from wherever. */
  readonly known: T | undefined;
  readonly hadContact: boolean;
  readonly isOnline: boolean;
  readonly isLongSilent: boolean;
  readonly isDenied: boolean;
}

export type ViewEvent<T> =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot<T> }
  | { readonly kind: 'online' | 'offline' }
  /** The watch ended without a reason that concerns the reader; it is started again. */
  | { readonly kind: 'broken' }
  | { readonly kind: 'long-silent' }
  | { readonly kind: 'denied' };

export const nothingKnown = <T>(isOnline: boolean): Facts<T> => ({
  snapshot: undefined,
  known: undefined,
  hadContact: false,
  isOnline,
  isLongSilent: false,
  isDenied: false,
});

/** What an event adds to the facts. */
export const learn = <T>(facts: Facts<T>, event: ViewEvent<T>): Facts<T> => {
  switch (event.kind) {
    case 'snapshot': {
      const { snapshot } = event;
      const isServer = snapshot.from === 'server';
      return {
        ...facts,
        snapshot,
        known: snapshot.value ?? facts.known,
        hadContact: facts.hadContact || isServer,
        isLongSilent: isServer ? false : facts.isLongSilent,
        isDenied: facts.isDenied && !isServer,
      };
    }
    case 'online':
      return { ...facts, isOnline: true, isLongSilent: false };
    case 'offline':
      return { ...facts, isOnline: false };
    case 'broken':
      return { ...facts, snapshot: { from: 'cache', value: facts.known } };
    case 'long-silent':
      return { ...facts, isLongSilent: true };
    case 'denied':
      return { ...facts, snapshot: undefined, known: undefined, isDenied: true };
    default:
      return event satisfies never;
  }
};

/** Draws the view from the facts. Back online, the last snapshot counts again. */
export const drawView = <T>(facts: Facts<T>): View<T> => {
  const { snapshot, known } = facts;
  if (facts.isDenied) return { kind: 'denied' };
  if (!facts.isOnline) return { kind: 'offline', value: known };
  if (snapshot?.from === 'server') return { kind: 'live', value: snapshot.value };
  if (facts.isLongSilent) return { kind: 'offline', value: known };
  return { kind: facts.hadContact ? 'stale' : 'connecting', value: known };
};

/** The value that a view can show. */
export const valueOf = <T>(view: View<T>): T | undefined => (view.kind === 'denied' ? undefined : view.value);
