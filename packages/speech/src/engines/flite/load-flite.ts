import type { SpeechEngine } from '../engine.ts';
import { createFliteEngine } from './flite-engine.ts';
import { compileFlite } from './flite-module.ts';

/** flite, ready to speak: the first words take three times as long as all later ones, so they are for nobody. */
export const loadFlite = async (): Promise<SpeechEngine> => {
  const engine = createFliteEngine(await compileFlite());
  await engine.synthesizeChunk({ text: 'Ready to read.', voiceId: engine.voices()[0]?.id ?? '' });
  return engine;
};
