import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SpeechEngine } from '../../src/engines/engine.ts';
import { createFliteEngine } from '../../src/engines/flite/flite-engine.ts';
import { compileFlite } from '../../src/engines/flite/flite-program.node.ts';
import { FLITE_CHILD_FILE, OWN_NODE_ARGS } from '../../src/own-files.node.ts';
import { endDriven, startDriven } from './driven-child.ts';

const TEXT = 'Once upon a time there was a lighthouse.';

let engine: SpeechEngine;
beforeAll(async () => {
  engine = createFliteEngine(await compileFlite());
});
afterEach(endDriven);

describe.each(['2.1.0', '2.0.0', '1.0.0'] as const)('flite in a child, in %s', (version) => {
  test('speaks as flite in this process does', async () => {
    const driven = await startDriven({ args: [...OWN_NODE_ARGS, FLITE_CHILD_FILE], versions: [version] });
    const model = version === '1.0.0' ? undefined : 'flite';
    expect(await driven.ready).toEqual({ protocol: version, concurrency: 1, model });
    for (const request of [{ voiceId: 'slt' }, { voiceId: 'kal16', speed: 1.5 }]) {
      const end = await driven.speak(TEXT, request).end;
      const expected = await engine.synthesizeChunk({ text: TEXT, ...request });
      if (!('sound' in end)) throw new Error(end.error.message);
      expect(end.sound.sampleRateHz).toBe(expected.sampleRateHz);
      expect(Buffer.from(end.sound.samples.buffer).equals(Buffer.from(expected.samples.buffer))).toBe(true);
    }
    expect(await driven.speak(TEXT, { voiceId: 'nobody' }).end).toMatchObject({
      error: { code: 'voice_not_found' },
    });
    expect(await driven.speak('…', { voiceId: 'slt' }).end).toMatchObject({
      error: { code: 'text_not_speakable' },
    });
    expect(driven.filesLeft()).toEqual([]);
    driven.child.leave();
    expect(await driven.ended).toBe('exit code 0');
  });
});
