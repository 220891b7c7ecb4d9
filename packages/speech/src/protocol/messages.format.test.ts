import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startFake } from '../../test/protocol/fake-connection.ts';
import type { SpeechRequest } from '../pool/speech-child.ts';
import { formatLine, synthesizePayload } from './messages.ts';
import { MAX_LINE_BYTES, type ProtocolVersion } from './protocol.ts';

/** The line that a connection writes for a call in this version. */
const written = (version: ProtocolVersion, given: Partial<SpeechRequest> = {}): string => {
  const { connection, child, clock } = startFake([version]);
  if (version === '1.0.0') clock.advance(0);
  else child.hello({ version });
  const request = { text: 'Hello world', voiceId: 'jenny', ...given };
  connection.speak({ correlationId: 'req-987654321-xyz', retryCount: 0, request });
  return child.written.at(-1) ?? '';
};

const format = (request: Partial<SpeechRequest> = {}): string =>
  formatLine({
    version: '2.0.0',
    type: 'request',
    payload: synthesizePayload({ text: 'Hello world', voiceId: 'jenny', ...request }, undefined),
  });

describe('a request as a line', () => {
  it('v1.0.0 is the bare object, with the voice', () => {
    const line = written('1.0.0');
    const { voice, ...rest } = JSON.parse(line) as Record<string, unknown>;
    expect(rest).toEqual({ type: 'synthesize', text: 'Hello world', output_path: '/sounds/1.wav' });
    expect(voice).toBe('jenny');
    expect(line.endsWith('}\n')).toBe(true);
  });

  it('v2.0.0 is the envelope, field for field', () => {
    expect(written('2.0.0', { priority: 'normal' })).toBe(
      `${JSON.stringify({
        version: '2.0.0',
        messageId: 'msg-2',
        timestamp: 1640995200000,
        type: 'request',
        payload: {
          type: 'synthesize',
          text: 'Hello world',
          voice: 'jenny',
          priority: 'normal',
          output_path: '/sounds/1.wav',
        },
        metadata: { correlationId: 'req-987654321-xyz', workerId: 'worker-1', retryCount: 0 },
      })}\n`,
    );
  });

  it('says everything that was asked, to 1.0 what 1.0 knows and the engine’s options', () => {
    const request = {
      speed: 1.5,
      language: 'en-GB',
      priority: 'high',
      engineOptions: { temperature: 0.7 },
    } as const;
    const known = { type: 'synthesize', text: 'Hello world', voice: 'jenny', speed: 1.5, language: 'en-GB' };
    expect(JSON.parse(written('2.1.0', request))).toMatchObject({
      payload: { ...known, priority: 'high', options: { temperature: 0.7 } },
    });
    expect(JSON.parse(written('1.0.0', request))).toEqual({
      ...known,
      options: { temperature: 0.7 },
      output_path: '/sounds/1.wav',
    });
  });

  it('is one line, and the text survives it', () => {
    const unit = fc.constantFrom(
      'a',
      ' ',
      '\n',
      '\r',
      '\u0000',
      '\u2028',
      '"',
      '\\',
      'ä',
      '😀',
      '\ud800',
      '\udc00',
    );
    const text = fc.string({ unit });
    fc.assert(
      fc.property(text, (text) => {
        const line = format({ text });
        expect(line.indexOf('\n')).toBe(line.length - 1);
        const heard = JSON.parse(Buffer.from(line).toString('utf8')) as { payload: { text: string } };
        expect(heard.payload.text).toBe(text);
      }),
    );
  });

  it('refuses a text that makes the line too long for any child', () => {
    const room = MAX_LINE_BYTES - Buffer.byteLength(format({ text: '' })) + 1;
    expect(Buffer.byteLength(format({ text: 'x'.repeat(room) }))).toBe(MAX_LINE_BYTES + 1);
    for (const text of ['x'.repeat(room + 1), 'ä'.repeat(room / 2 + 1), '\n'.repeat(room / 2 + 1)]) {
      expect(() => format({ text })).toThrow(expect.objectContaining({ code: 'text_too_long' }));
    }
  });

  it('refuses options that cannot be written down', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    for (const engineOptions of [loop, { big: 1n }]) {
      expect(() => format({ engineOptions })).toThrow(expect.objectContaining({ code: 'request_invalid' }));
    }
  });
});
