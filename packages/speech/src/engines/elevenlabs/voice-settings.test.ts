import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { voiceSettingsOf } from './voice-settings.ts';

describe('voiceSettingsOf', () => {
  test.each([
    [undefined, 1, undefined],
    [{}, 1, undefined],
    [{ cfgWeight: 0.9 }, 1, undefined],
    [{ exaggeration: 0.5, temperature: 0.8 }, 1, { style: 0, stability: 0.5 }],
    [{ exaggeration: 2 }, 1, { style: 1 }],
    [{ exaggeration: 0.25 }, 1, { style: 0 }],
    [{ temperature: 0.05 }, 1, { stability: 0.97 }],
    [{ temperature: 5 }, 1, { stability: 0 }],
    [undefined, 1.1, { speed: 1.1 }],
    [undefined, 0.5, { speed: 0.7 }],
    [undefined, 2, { speed: 1.2 }],
  ])('%j at speed %d is %j', (style, speed, settings) => {
    expect(voiceSettingsOf(style, speed)).toEqual(settings);
  });

  test('stays within what the service takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.25, max: 2, noNaN: true }),
        fc.double({ min: 0.05, max: 5, noNaN: true }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (exaggeration, temperature, speed) => {
          const {
            style = 0,
            stability = 0,
            speed: asked = 1,
          } = voiceSettingsOf({ exaggeration, temperature }, speed) ?? {};
          expect(Math.min(style, stability)).toBeGreaterThanOrEqual(0);
          expect(Math.max(style, stability)).toBeLessThanOrEqual(1);
          expect(asked).toBeGreaterThanOrEqual(0.7);
          expect(asked).toBeLessThanOrEqual(1.2);
        },
      ),
    );
  });
});
