import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  aac,
  aiff,
  flac,
  m4a,
  mp3,
  oggPage,
  opus,
  vorbis,
  type WavParts,
  wav,
  webm,
} from '../../test/support/recordings.ts';
import { readRecording } from './read-recording.ts';

const faultOf = async (bytes: Uint8Array): Promise<{ code: string; details: string }> => {
  try {
    await readRecording(bytes);
  } catch (error) {
    const { code, details } = error as { code: string; details: string };
    return { code: code.replace('voice_profile_', ''), details };
  }
  return { code: 'none', details: '' };
};
const at = (bytes: Buffer, offset: number, ...values: number[]): Buffer => {
  const copy = Buffer.from(bytes);
  copy.set(values, offset);
  return copy;
};

describe('WAV', () => {
  test.each<[WavParts]>([
    [{ bits: 8 }],
    [{ bits: 16 }],
    [{ bits: 24 }],
    [{ bits: 32 }],
    [{ bits: 32, isFloat: true }],
    [{ bits: 64, isFloat: true }],
    [{ bits: 24, tag: 0xfffe }],
    [{ bits: 32, isFloat: true, tag: 0xfffe }],
    [{ channels: 2, rateHz: 48_000 }],
    [{ claimedBytes: 0 }],
    [{ claimedBytes: 0xffff_ffff }],
    [{ before: Buffer.from('LIST\x03\0\0\0abc\0', 'latin1') }],
  ])('reads %j', async (parts) => {
    const recording = await readRecording(wav(parts));
    expect(recording).toMatchObject({
      format: 'wav',
      sampleRateHz: parts.rateHz ?? 16_000,
      channels: parts.channels ?? 1,
      durationMs: 1500,
    });
    expect(recording.rms).toBeCloseTo((32_768 * 0.5) / Math.sqrt(2), -3);
  });

  test.each([
    ['no sound', wav({ seconds: 0 }), 'corrupt', 'no sound'],
    ['half a second', wav({ seconds: 0.5 }), 'format_invalid', 'duration is 500 ms'],
    [
      'eleven minutes',
      wav({ seconds: 660, rateHz: 8000, bits: 8 }),
      'format_invalid',
      'duration is 660000 ms',
    ],
    ['silence', wav({ peak: 0 }), 'corrupt', 'silent'],
    ['a hiss', wav({ peak: 0.001 }), 'corrupt', 'silent'],
    ['six channels', wav({ channels: 6 }), 'format_invalid', '6 channels'],
    ['no channels', at(wav(), 22, 0, 0), 'corrupt', '0 channels'],
    ['no rate', at(wav(), 24, 0, 0, 0, 0), 'corrupt', '0 Hz'],
    ['a telephone below 8 kHz', wav({ rateHz: 4000 }), 'format_invalid', 'sample rate is 4000 Hz'],
    ['A-law', wav({ bits: 8, tag: 6 }), 'format_invalid', 'format 6 with 8 bits'],
    ['12 bits', at(wav(), 34, 12, 0), 'format_invalid', '12 bits'],
    ['not a number', at(wav({ bits: 32, isFloat: true }), 44, 0, 0, 0xc0, 0x7f), 'corrupt', 'no numbers'],
    ['only a head', wav().subarray(0, 12), 'corrupt', 'no format'],
    ['half a format', wav().subarray(0, 30), 'corrupt', 'cut off'],
    ['no data block', wav().subarray(0, 36), 'corrupt', 'no sound'],
    [
      'sound first',
      Buffer.concat([wav().subarray(0, 12), wav().subarray(36)]),
      'corrupt',
      'before its format',
    ],
  ])('refuses %s', async (_, bytes, code, words) => {
    expect(await faultOf(bytes)).toEqual({ code, details: expect.stringContaining(words) });
  });
});

describe('MP3', () => {
  let low: Buffer;
  let high: Buffer;
  beforeAll(async () => {
    [low, high] = await Promise.all([mp3(2, 16_000), mp3(2, 44_100)]);
  });

  test('walks the frames of MPEG 1 and 2', async () => {
    for (const [bytes, rateHz] of [
      [low, 16_000],
      [high, 44_100],
    ] as const) {
      const { durationMs, ...rest } = await readRecording(bytes);
      expect(rest).toMatchObject({ format: 'mp3', sampleRateHz: rateHz, channels: 1 });
      expect(Math.abs((durationMs ?? 0) - 2000)).toBeLessThan(150);
    }
  });

  test('passes over tags, rubbish and a cut end', async () => {
    const tag = Buffer.from('ID3\x04\0\0\0\0\x01\x00', 'latin1');
    const trailer = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125, 0xff)]);
    const expected = (await readRecording(high)).durationMs ?? 0;
    for (const bytes of [
      Buffer.concat([tag, Buffer.alloc(128, 0xff), high, trailer]),
      Buffer.concat([high.subarray(0, 2000), Buffer.alloc(700, 0xaa), high.subarray(2000)]),
      high.subarray(0, high.length - 30),
    ])
      expect(Math.abs(((await readRecording(bytes)).durationMs ?? 0) - expected)).toBeLessThan(110);
  });

  test('refuses what only looks like it', async () => {
    expect((await faultOf(Buffer.alloc(5000, 0xff))).code).toBe('format_invalid');
    expect((await faultOf(at(low, 1, 0xfd))).code).toBe('none');
    expect(
      (await faultOf(Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0'), Buffer.alloc(9000)]))).code,
    ).toBe('corrupt');
    expect((await faultOf(high.subarray(0, 300))).code).toBe('corrupt');
    expect(await faultOf(Buffer.concat([high, Buffer.alloc(high.length * 2)]))).toMatchObject({
      code: 'corrupt',
    });
    expect(await faultOf(Buffer.from('fffd9000'.repeat(100), 'hex'))).toMatchObject({
      code: 'format_invalid',
    });
  });

  test('refuses what is too short', async () => {
    expect((await faultOf(await mp3(0.5, 44_100))).details).toContain('duration');
  });
});

describe('FLAC', () => {
  test('reads its description', async () => {
    expect(await readRecording(flac())).toEqual({
      format: 'flac',
      sampleRateHz: 44_100,
      channels: 2,
      durationMs: 2000,
    });
    expect((await readRecording(flac({ samples: 0 }))).durationMs).toBeUndefined();
  });

  test.each([
    ['cut in its description', flac().subarray(0, 20), 'corrupt'],
    ['cut behind it', flac().subarray(0, 44), 'corrupt'],
    ['without a frame', at(flac(), 52, 0), 'corrupt'],
    ['with another block first', at(flac(), 4, 4), 'corrupt'],
    ['with two descriptions', at(flac(), 42, 0x80), 'corrupt'],
    ['with blocks of no size', at(flac(), 8, 0, 0), 'corrupt'],
    ['without a rate', flac({ rateHz: 0 }), 'corrupt'],
    ['in six channels', flac({ channels: 6 }), 'format_invalid'],
    ['of an hour', flac({ samples: 44_100 * 3600 }), 'format_invalid'],
  ])('refuses one %s', async (_, bytes, code) => {
    expect((await faultOf(bytes)).code).toBe(code);
  });
});

describe('Ogg', () => {
  let sound: Buffer;
  beforeAll(async () => {
    sound = await vorbis(2, 44_100);
  });

  test('reads Vorbis, Opus and FLAC', async () => {
    const { durationMs, ...rest } = await readRecording(sound);
    expect(rest).toEqual({ format: 'ogg', sampleRateHz: 44_100, channels: 1 });
    expect(Math.abs((durationMs ?? 0) - 2000)).toBeLessThan(50);
    expect(await readRecording(opus(3))).toEqual({
      format: 'ogg',
      sampleRateHz: 48_000,
      channels: 1,
      durationMs: 3000,
    });
    expect(await readRecording(opus(3, 0))).toMatchObject({ sampleRateHz: 48_000, durationMs: undefined });
    const mapped = Buffer.concat([
      oggPage(Buffer.concat([Buffer.from('\x7fFLAC\x01\0\0\x01', 'latin1'), flac().subarray(0, 42)]), {
        flags: 2,
      }),
      oggPage(Buffer.alloc(9)),
      oggPage(Buffer.alloc(9), { granule: 88_200n }),
    ]);
    expect(await readRecording(mapped)).toMatchObject({
      sampleRateHz: 44_100,
      channels: 2,
      durationMs: 2000,
    });
  });

  test('leaves a cut last page out', async () => {
    const cut = Buffer.concat([opus(2), sound.subarray(0, 30)]);
    expect((await readRecording(cut)).durationMs).toBe(2000);
  });

  test('refuses damage', async () => {
    const speex = Buffer.concat([
      oggPage(Buffer.from('Speex   1.2'.padEnd(80, '\0'), 'latin1'), { flags: 2 }),
      oggPage(Buffer.alloc(20)),
      oggPage(Buffer.alloc(20), { flags: 4, granule: 32_000n }),
    ]);
    expect(await faultOf(speex)).toMatchObject({ code: 'format_invalid' });
    expect((await faultOf(at(sound, sound.length - 5, 1, 2, 3))).details).toContain('checksum');
    expect((await faultOf(sound.subarray(0, 58))).details).toContain('no sound');
    expect((await faultOf(sound.subarray(0, 20))).code).toBe('corrupt');
    expect((await faultOf(Buffer.concat([opus(2), Buffer.alloc(50)]))).details).toContain('no page');
    expect((await faultOf(oggPage(Buffer.from('OpusHead')))).code).toBe('corrupt');
  });
});

describe('what phones and browsers record', () => {
  test.each([
    ['mp4', m4a(), { sampleRateHz: 44_100, channels: 1, durationMs: 2000 }],
    ['aac', aac({ seconds: 2 }), { sampleRateHz: 44_100, channels: 1 }],
    ['aiff', aiff({ channels: 2 }), { sampleRateHz: 16_000, channels: 2, durationMs: 1500 }],
    ['webm', webm({ seconds: 2 }), { sampleRateHz: 48_000, channels: 1, durationMs: 2000 }],
    ['webm', webm(), { durationMs: undefined }],
  ])('reads %s', async (format, bytes, expected) => {
    expect(await readRecording(bytes)).toMatchObject({ format, ...expected });
  });

  test.each([
    ['a short M4A', m4a({ seconds: 0.5 }), 'format_invalid', 'duration is 500 ms'],
    ['a long M4A', m4a({ seconds: 700 }), 'format_invalid', 'duration is 700000 ms'],
    ['a cut M4A', m4a().subarray(0, 3000), 'corrupt', 'cut off'],
    ['a short AAC', aac({ seconds: 0.5 }), 'format_invalid', 'duration'],
    ['a short WebM', webm({ seconds: 0.2 }), 'format_invalid', 'duration'],
    ['an AIFF in six channels', aiff({ channels: 6 }), 'format_invalid', '6 channels'],
    ['a cut AIFF', aiff().subarray(0, 2000), 'corrupt', 'cut off'],
  ])('refuses %s', async (_, bytes, code, words) => {
    expect(await faultOf(bytes)).toEqual({ code, details: expect.stringContaining(words) });
  });
});

test.each([
  ['', 'corrupt', 'empty'],
  ['<html><body>404 not found', 'format_invalid', 'text'],
  ['\0\0\0\x20ftypM4A \0\0\0\0', 'corrupt', 'mp4'],
  ['\x1aE\xdf\xa3\0\0\0\0\0\0', 'corrupt', 'webm'],
  ['FORM\0\0\0\0AIFFCOMM', 'corrupt', 'aiff'],
  ['\xff\xf1\x50\x80\x00\x1f\xfc', 'corrupt', 'aac'],
  ['#!AMR\n', 'format_invalid', 'AMR'],
  ['\0\x01\x02', 'format_invalid', 'nothing known'],
])('reports what %j looks like', async (text, code, words) => {
  expect(await faultOf(Buffer.from(text, 'latin1'))).toEqual({
    code,
    details: expect.stringContaining(words),
  });
});

test('ends in a recording or a fault of a voice for any damage', async () => {
  const whole = [
    wav(),
    await mp3(1.2, 16_000),
    flac(),
    await vorbis(1.2, 16_000),
    opus(2),
    m4a(),
    aac(),
    aiff(),
    webm({ seconds: 2 }),
  ];
  const damage = fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...whole.keys()),
      damage,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (index, hits, part) => {
        const bytes = Buffer.from(whole[index] ?? []);
        for (const [offset, value] of hits) bytes[offset] = value;
        expect(['none', 'corrupt', 'format_invalid']).toContain(
          (await faultOf(bytes.subarray(0, Math.ceil(bytes.length * part)))).code,
        );
      },
    ),
    { numRuns: 200 },
  );
});
