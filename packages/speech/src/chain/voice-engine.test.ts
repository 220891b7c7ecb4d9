import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { VoiceEngine } from './voice-engine.ts';
import { openFakePlugin } from '../../test/support/fake-plugin.ts';

describe('a voice engine', () => {
  it('speaks through the manager', async () => {
    const clock = createFakeClock();
    const { plugin, children } = openFakePlugin(clock);
    const voiceEngine = new VoiceEngine({}, { engines: [plugin], log: () => {}, clock });
    await expect(voiceEngine.speak('Too early.')).rejects.toThrow('has not been initialized');
    const initialized = voiceEngine.initialize();
    await clock.advanceAsync(0);
    await initialized;

    const speaking = voiceEngine.speak('Hello world. How are you today?');
    await clock.advanceAsync(100);
    const { contentType, durationMs, voice } = await speaking;
    expect([contentType, voice]).toEqual(['audio/wav', 'jenny']);
    expect(durationMs).toBeGreaterThan(1_500);

    const ended = voiceEngine.shutdown();
    await clock.advanceAsync(0);
    await ended;
    expect(children.every(({ isEnded }) => isEnded)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});
