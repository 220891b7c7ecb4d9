import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tidyText } from '../remote/tidy-text.ts';
import { escapeXml, formatSsml, splitForService } from './edge-ssml.ts';

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
