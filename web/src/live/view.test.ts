import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawView, type Facts, learn, nothingKnown, type ViewEvent } from './view.ts';

type Event = ViewEvent<string>;
const server = (value: string): Event => ({ kind: 'snapshot', snapshot: { from: 'server', value } });
const cache = (value: string | undefined): Event => ({
  kind: 'snapshot',
  snapshot: { from: 'cache', value },
});
const offline: Event = { kind: 'offline' };
const online: Event = { kind: 'online' };
const longSilent: Event = { kind: 'long-silent' };

const after = (...events: readonly Event[]) =>
  drawView(events.reduce<Facts<string>>((facts, event) => learn(facts, event), nothingKnown(true)));

describe('drawView', () => {
  it.each<[string, readonly Event[], ReturnType<typeof after>]>([
    ['nothing yet', [], { kind: 'connecting', value: undefined }],
    ['the cache speaks first', [cache('a')], { kind: 'connecting', value: 'a' }],
    ['the server speaks', [cache('a'), server('b')], { kind: 'live', value: 'b' }],
    ['contact is lost', [server('a'), cache('a')], { kind: 'stale', value: 'a' }],
    ['an empty cache keeps what was known', [server('a'), cache(undefined)], { kind: 'stale', value: 'a' }],
    ['contact is lost for long', [server('a'), cache('a'), longSilent], { kind: 'offline', value: 'a' }],
    ['the server never answers', [longSilent], { kind: 'offline', value: undefined }],
    ['contact comes back', [server('a'), cache('a'), longSilent, server('b')], { kind: 'live', value: 'b' }],
    ['the network goes', [server('a'), offline], { kind: 'offline', value: 'a' }],
    ['the network blinks', [server('a'), offline, online], { kind: 'live', value: 'a' }],
    ['the network comes back', [server('a'), offline, cache('a'), online], { kind: 'stale', value: 'a' }],
    ['the watch breaks', [server('a'), { kind: 'broken' }], { kind: 'stale', value: 'a' }],
    ['access is denied', [server('a'), { kind: 'denied' }], { kind: 'denied' }],
    ['access is given', [{ kind: 'denied' }, server('a')], { kind: 'live', value: 'a' }],
  ])('%s', (_name, events, view) => {
    expect(after(...events)).toEqual(view);
  });

  const anyEvent: fc.Arbitrary<Event> = fc.oneof(
    fc.constantFrom(offline, online, longSilent, { kind: 'broken' } as const, { kind: 'denied' } as const),
    fc.string({ minLength: 1, maxLength: 2 }).map(server),
    fc.option(fc.string({ minLength: 1, maxLength: 2 }), { nil: undefined }).map(cache),
  );

  it('is live after anything, once the network is back and the server has spoken', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        expect(after(...events, online, server('z'))).toEqual({ kind: 'live', value: 'z' });
      }),
    );
  });

  it('is never called live while the last word came from the cache', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        expect(after(...events, cache('z')).kind).not.toBe('live');
      }),
    );
  });

  it('shows nothing that is denied', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        expect(after(...events, { kind: 'denied' })).toEqual({ kind: 'denied' });
      }),
    );
  });
});
