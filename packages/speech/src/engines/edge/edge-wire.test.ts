import { isTalebackError } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tidyText } from '../../text/clean-text.ts';
import {
  escapeXml,
  formatConfigFrame,
  formatSsml,
  formatSsmlFrame,
  parseAudioFrame,
  parseTextFrame,
  serviceToken,
  splitForService,
} from './edge-wire.ts';

const AT = Date.UTC(2025, 10, 6, 9, 8, 7);

const binary = (head: string, sound = 'ID3'): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat([Buffer.of(head.length >> 8, head.length & 255), Buffer.from(head), Buffer.from(sound)]),
  );

const isReadOrRefused = (read: () => unknown): boolean => {
  try {
    read();
    return true;
  } catch (error) {
    return isTalebackError(error);
  }
};

describe('frames to the service', () => {
  test('the config frame, to the letter', () => {
    expect(formatConfigFrame(AT)).toBe(
      'X-Timestamp:Thu Nov 06 2025 09:08:07 GMT+0000 (Coordinated Universal Time)\r\n' +
        'Content-Type:application/json; charset=utf-8\r\nPath:speech.config\r\n\r\n' +
        '{"context":{"synthesis":{"audio":{"metadataoptions":{"sentenceBoundaryEnabled":"false",' +
        '"wordBoundaryEnabled":"false"},"outputFormat":"audio-24khz-48kbitrate-mono-mp3"}}}}\r\n',
    );
  });

  test('the SSML frame, to the letter', () => {
    expect(formatSsmlFrame('<speak/>', 'ab12', AT)).toBe(
      'X-RequestId:ab12\r\nContent-Type:application/ssml+xml\r\n' +
        'X-Timestamp:Thu Nov 06 2025 09:08:07 GMT+0000 (Coordinated Universal Time)Z\r\nPath:ssml\r\n\r\n<speak/>',
    );
  });
});

describe('frames from the service', () => {
  test('a text frame is its path', () => {
    expect(parseTextFrame('X-RequestId:1\r\nPath:turn.end\r\n\r\n{}')).toBe('turn.end');
    expect(parseTextFrame('path: audio.metadata \r\n\r\n{"a":"\\r\\n\\r\\n"}')).toBe('audio.metadata');
  });

  test('an audio frame is what follows its headers', () => {
    const frame = binary('X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n', 'sound');
    expect(Buffer.from(parseAudioFrame(frame)).toString()).toBe('sound');
    expect(parseAudioFrame(binary('Path:audio\r\n', ''))).toHaveLength(0);
    expect(parseAudioFrame(binary('Content-Type:audio/mpeg\r\nPath:audio\r\n', ''))).toHaveLength(0);
  });

  test.each([
    ['no content type', binary('Path:audio\r\n')],
    ['another content type', binary('Content-Type:audio/ogg\r\nPath:audio\r\n')],
    ['another path', binary('Content-Type:audio/mpeg\r\nPath:turn.end\r\n')],
    ['no path', binary('Content-Type:audio/mpeg\r\n')],
    ['no headers', binary('')],
    ['a line that is no header', binary('Path:audio\r\nwhat\r\n')],
    ['one byte', new Uint8Array(1)],
    ['nothing', new Uint8Array(0)],
    ['more headers than bytes', Uint8Array.of(0, 2, 65)],
  ])('an audio frame with %s cannot be read', (_name, frame) => {
    expect(() => parseAudioFrame(frame)).toThrow(expect.objectContaining({ code: 'model_failed' }) as Error);
  });

  test.each(['', 'Path:turn.end', 'no header\r\n\r\n', 'X-RequestId:1\r\n\r\n', ':x\r\n\r\n'])(
    'the text %j is no frame',
    (text) => {
      expect(() => parseTextFrame(text)).toThrow(expect.objectContaining({ code: 'model_failed' }) as Error);
    },
  );

  test('whatever comes is read or refused in our words', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(isReadOrRefused(() => parseAudioFrame(new Uint8Array(bytes)))).toBe(true);
        expect(isReadOrRefused(() => parseTextFrame(Buffer.from(bytes).toString('latin1')))).toBe(true);
      }),
    );
  });
});

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300, size: 'max' }),
  fc.string({
    unit: fc.constantFrom('a', ' ', '&', '<', '"', '\n', '\u00e9', '\u{1f642}', '\u0007'),
    maxLength: 400,
    size: 'max',
  }),
);

describe('splitForService', () => {
  test('keeps every word, in order, in parts that fit when they are escaped', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 6, max: 120 }), (text, maxBytes) => {
        const clean = tidyText(text);
        const parts = splitForService(clean, maxBytes);
        for (const part of parts) {
          expect(Buffer.byteLength(escapeXml(part))).toBeLessThanOrEqual(maxBytes);
          expect(part).not.toBe('');
        }
        expect(parts.join('').replace(/\s/gu, '')).toBe(clean.replace(/\s/gu, ''));
      }),
    );
  });

  test('cuts between words where it can', () => {
    expect(splitForService('one two & three', 11)).toEqual(['one two', '& three']);
    expect(splitForService('abcdefgh ij', 6)).toEqual(['abcdef', 'gh ij']);
    expect(splitForService('&&&', 11)).toEqual(['&&', '&']);
    expect(splitForService('  ')).toEqual([]);
  });

  test('takes a part of exactly 4,096 bytes and not one more', () => {
    expect(splitForService('x'.repeat(4096))).toHaveLength(1);
    expect(splitForService('x'.repeat(4097))).toHaveLength(2);
    expect(splitForService('\u00e9'.repeat(2048))).toHaveLength(1);
    expect(splitForService('\u00e9'.repeat(2049))).toHaveLength(2);
    expect(splitForService('&'.repeat(820))).toHaveLength(2);
  });

  test('says so when not even one character fits', () => {
    expect(() => splitForService('&', 4)).toThrow(RangeError);
  });
});

describe('formatSsml', () => {
  test.each([
    [1, '+0%'],
    [0.5, '-50%'],
    [2, '+100%'],
    [1.255, '+25%'],
    [0.999, '+0%'],
  ])('writes speed %d as %s', (speed, rate) => {
    const ssml = formatSsml({ text: 'x', voiceId: 'de-DE-KillianNeural', language: 'de-DE', speed });
    expect(ssml).toContain(`rate='${rate}'`);
  });

  test('writes the long name of a voice, also in a region with two parts, and lets no text out of its place', () => {
    expect(
      formatSsml({
        text: `</prosody><"&'>`,
        voiceId: 'zh-CN-liaoning-XiaobeiNeural',
        language: 'zh-CN',
        speed: 1,
      }),
    ).toBe(
      "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='zh-CN'>" +
        "<voice name='Microsoft Server Speech Text to Speech Voice (zh-CN-liaoning, XiaobeiNeural)'>" +
        "<prosody pitch='+0Hz' rate='+0%' volume='+0%'>&lt;/prosody&gt;&lt;&quot;&amp;&apos;&gt;</prosody></voice></speak>",
    );
  });
});

describe('serviceToken', () => {
  // Computed with Python's hashlib and whole numbers.
  test.each([
    [1_763_632_800_000, '2F0B61A2458F9903AE27C4F7ABFFC7B588459511E16EB92DE1A5A95E3734F9E3'],
    [1_763_633_099_999, '2F0B61A2458F9903AE27C4F7ABFFC7B588459511E16EB92DE1A5A95E3734F9E3'],
    [1_763_633_100_000, 'C54C01E1646406915C09CD9BEA294BE108A76D98D21DEF556E841B00C53F4846'],
    [1_700_000_000_123, '42301B335578FEFDAE2637DED1ABD614505D432559EC08032B82048483726AFF'],
  ])('at %d is %s', (nowMs, token) => {
    expect(serviceToken(nowMs)).toBe(token);
  });
});
