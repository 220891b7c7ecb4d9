import type { AudioEncoder } from '../../src/audio/audio-encoder.ts';
import { createNarrator, type Narrate } from '../../src/chain/narrate.ts';
import type { SpeechEngine } from '../../src/engines/engine.ts';

/** Narration by one engine alone, without protection and fallbacks. */
export const narrateWith = ({
  engine,
  encoder,
}: {
  readonly engine: SpeechEngine;
  readonly encoder: AudioEncoder;
}): Narrate =>
  createNarrator({
    engines: [{ profile: engine, mayHaveMoreVoices: () => false, requireFit: () => {} }],
    mostVoices: 1,
    encoder,
    admit: () => {},
    log: () => {},
  });
