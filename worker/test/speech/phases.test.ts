import { readFileSync } from 'node:fs';
import type { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { openChain } from './open-chain.ts';

const PAGE = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
const [, section = ''] = /## Move to a pool of processes, and back\n([^]*?)\n## /u.exec(PAGE) ?? [];

/** Of each row of docs/operating.md. */
const ROWS = [...section.matchAll(/^\| (?!phase)([^|]+) \| `([A-Z][^`]+)`/gmu)].map(
  ([, phase = '', settings = '']) => ({
    phase,
    environment: Object.fromEntries(settings.split(' ').map((pair) => pair.split('=') as [string, string])),
  }),
);

describe('the phases of a move to a pool of processes, and the way back', () => {
  it('are on the page', () => {
    expect(ROWS).toHaveLength(7);
  });

  it.each(ROWS)('$phase', async ({ environment }) => {
    const { SPEECH_PROTOCOLS = '2.1.0,1.0.0', TTS_PROVIDER = 'on' } = environment;
    const { chain, close } = await openChain(environment);
    const end = await chain.synthesize({ text: 'One, two, three.' }).then(
      ({ engine }) => engine,
      (error: TalebackError) => error.code,
    );
    expect(end).toBe(TTS_PROVIDER === 'disabled' ? 'synthesis_disabled' : 'flite');
    const { mode, workers } = chain.getStatus();
    expect(mode).toBe('pool');
    // A child that is not up within 5 s, on a busy machine, is spoken to in the oldest.
    expect(SPEECH_PROTOCOLS.split(',')).toContain(workers[0]?.protocol);
    await close();
  });
});
