import { type ErrorCode, TalebackError } from '@taleback/core';
import { expect, it } from 'vitest';
import { EVENT, throwing, wire } from '../test/handler-fixture.ts';

const KOKORO = {
  kokoro: { ok: false, code: 'dns_failed', summary: 'DNS resolution failed.', suggestions: [] },
};

const toldOf = async (
  code: ErrorCode,
  diagnoses: () => Promise<Record<string, object>>,
): Promise<unknown> => {
  const { handle, sent } = wire({ narrate: throwing(new TalebackError(code, 'It failed.')), diagnoses });
  await handle(EVENT);
  const json: Record<string, unknown> = sent.at(-1)?.json ?? {};
  return (json['metadata'] as Record<string, unknown> | undefined)?.['diagnosis'];
};

it('what was found out about a service that failed is in the attempt', async () => {
  expect(await toldOf('network_unreachable', async () => KOKORO)).toEqual(KOKORO);
  expect(await toldOf('circuit_open', async () => KOKORO)).toEqual(KOKORO);
});

it('is left out when nothing was found out, or the fault is none of theirs', async () => {
  expect(await toldOf('network_unreachable', async () => ({}))).toBeUndefined();
  expect(await toldOf('network_unreachable', () => Promise.reject(new Error('broken off')))).toBeUndefined();
  expect(await toldOf('voice_not_found', async () => KOKORO)).toBeUndefined();
});
