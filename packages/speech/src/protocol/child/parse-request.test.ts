import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRequest } from './parse-request.ts';

const enveloped = (payload: unknown, more: Record<string, unknown> = {}) =>
  parseRequest({ version: '2.1.0', type: 'request', payload, metadata: { correlationId: 'c' }, ...more });

const address = { version: '2.1.0', correlationId: 'c' };
const bareAddress = { version: '1.0.0', correlationId: '' };
const nothing = {
  voiceId: undefined,
  speed: undefined,
  language: undefined,
  outputPath: undefined,
  options: undefined,
};

describe('synthesize', () => {
  const asked = { type: 'synthesize', text: 't', voice: 'v' };

  it('is read whole, in the version it was asked in', () => {
    const payload = {
      ...asked,
      speed: 1.5,
      language: 'en',
      output_path: '/a',
      options: { a: 1 },
      priority: 'high',
    };
    expect(enveloped(payload, { version: '2.0.0' })).toEqual({
      kind: 'synthesize',
      address: { ...address, version: '2.0.0' },
      fields: { text: 't', voiceId: 'v', speed: 1.5, language: 'en', outputPath: '/a', options: { a: 1 } },
    });
  });

  it('needs a text and a voice; null is the same as absent', () => {
    const fields = { ...nothing, text: '', voiceId: 'v' };
    const nulls = { speed: null, language: null, output_path: null, options: null };
    expect(enveloped({ ...asked, text: '' })).toEqual({ kind: 'synthesize', address, fields });
    expect(enveloped({ ...asked, text: '', ...nulls })).toEqual({ kind: 'synthesize', address, fields });
  });

  it.each([
    ['text', null],
    ['text', 5],
    ['text', undefined],
    ['voice', undefined],
    ['voice', null],
    ['voice', []],
    ['speed', '1'],
    ['speed', Number.POSITIVE_INFINITY],
    ['language', 4],
    ['output_path', {}],
    ['options', 'a'],
    ['options', [1]],
  ])('is invalid with a %s of %j', (name, value) => {
    expect(enveloped({ ...asked, [name]: value })).toEqual({
      kind: 'invalid',
      address,
      reason: expect.stringContaining(name),
    });
  });
});

describe('the other requests', () => {
  it('are read', () => {
    expect(enveloped({ type: 'hello', versions: ['2.1.0', 7] })).toEqual({
      kind: 'hello',
      address,
      versions: ['2.1.0', 7],
    });
    expect(enveloped({ type: 'hello', versions: '2.1.0' })).toMatchObject({ kind: 'invalid' });
    expect(enveloped({ type: 'hello' })).toMatchObject({ versions: ['2.1.0'] });
    expect(enveloped({ type: 'ping' })).toEqual({ kind: 'ping', address });
    expect(enveloped({ type: 'cancel', correlation_id: 'd' })).toEqual({
      kind: 'cancel',
      correlationId: 'd',
    });
    expect(enveloped({ type: 'shutdown' })).toEqual({ kind: 'shutdown' });
  });

  it('need no id of their own where nothing is answered', () => {
    const without = { metadata: null };
    expect(enveloped({ type: 'shutdown' }, without)).toEqual({ kind: 'shutdown' });
    expect(enveloped({ type: 'cancel', correlation_id: 'd' }, without)).toMatchObject({ kind: 'cancel' });
    expect(enveloped({ type: 'ping' }, without)).toMatchObject({ kind: 'noise' });
  });

  it('hello may come in a version that is newer than this child', () => {
    const newer = { version: '3.0.0' };
    expect(enveloped({ type: 'hello', versions: ['3.0.0', '2.0.0'] }, newer)).toMatchObject({
      kind: 'hello',
      address,
    });
    expect(enveloped({ type: 'ping' }, newer)).toMatchObject({ kind: 'invalid', address });
    expect(enveloped({ type: 'ping' }, { version: '1.0.0' })).toMatchObject({ kind: 'invalid', address });
  });
});

describe('what cannot be read', () => {
  it.each([
    [{ type: 'ping' }, { type: 'Request' }],
    [null, {}],
    ['ping', {}],
    [[], {}],
    [{ type: 'sing' }, {}],
    [{ type: '__proto__' }, {}],
    [{}, {}],
    [{ type: 'cancel', correlation_id: 3 }, {}],
  ])('is invalid when it has an address: %j %j', (payload, more) => {
    expect(enveloped(payload, more)).toMatchObject({ kind: 'invalid', address });
  });

  it.each([
    { metadata: undefined },
    { metadata: [] },
    { metadata: { correlationId: 7 } },
    { metadata: { correlationId: '' } },
    { metadata: { correlationId: 'x'.repeat(257) } },
    { type: 'response' },
    { type: 'event' },
  ])('is noise when it has no address: %j', (more) => {
    expect(enveloped({ type: 'synthesize', text: 7 }, more)).toMatchObject({ kind: 'noise' });
  });

  it('never makes an exception', () => {
    const message = fc.dictionary(
      fc.constantFrom('version', 'type', 'payload', 'metadata', 'text', 'output_path', '__proto__'),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom('2.1.0', 'request', 'synthesize', { type: 'ping' }, { correlationId: 'c' }),
      ),
    );
    fc.assert(
      fc.property(message, (message) => {
        expect(typeof parseRequest(message).kind).toBe('string');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('1.0', () => {
  it.each([undefined, null])('is what has a version of %s', (version) => {
    const message = { version, type: 'synthesize', text: 't', output_path: '/a', language: 'en' };
    const fields = { ...nothing, text: 't', outputPath: '/a', language: 'en' };
    expect(parseRequest(message)).toEqual({ kind: 'synthesize', address: bareAddress, fields });
  });

  it.each([
    { type: 'synthesize', text: 't' },
    { type: 'synthesize', output_path: '/a' },
    { type: 'ping' },
    { type: 7 },
  ])('%j has an answer, as every request', (message) => {
    expect(parseRequest(message)).toMatchObject({ kind: 'invalid', address: bareAddress });
  });

  it.each([{}, { type: null }, { text: 't', output_path: '/a' }])('%j is no request', (message) => {
    expect(parseRequest(message)).toMatchObject({ kind: 'noise' });
  });
});
