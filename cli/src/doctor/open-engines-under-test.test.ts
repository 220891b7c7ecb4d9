import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { createNetworkProbe } from './network-probe.node.ts';
import { type EngineUnderTest, engineCheck, examine } from '@taleback/speech/src/diagnosis/index.ts';
import { openEnginesUnderTest } from './open-engines-under-test.ts';

const flite: EngineUnderTest = {
  name: 'flite',
  probe: async () => ({ details: 'It speaks.' }),
  voices: () => [],
};

describe('openEnginesUnderTest', () => {
  it('tells of one that cannot be opened as one failed check, and of all others', async () => {
    const faults: Readonly<Record<string, Error>> = {
      elevenlabs: new TalebackError('credentials_invalid', 'The key cannot be a key.'),
      'chatterbox-python': Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT' }),
    };
    const engines = await openEnginesUnderTest(['elevenlabs', 'flite', 'chatterbox-python'], async (name) => {
      if (faults[name] !== undefined) throw faults[name];
      return flite;
    });
    const options = { network: createNetworkProbe(), timeoutMs: 50_000 };
    const { ok, checks } = await examine(engines.map((engine) => engineCheck(engine, options)));
    expect(ok).toBe(false);
    expect(checks.map(({ name, status, code }) => [name, status, code])).toEqual([
      ['elevenlabs', 'failed', 'credentials_invalid'],
      ['flite', 'ok', undefined],
      ['chatterbox-python', 'failed', 'internal'],
    ]);
  });
});
