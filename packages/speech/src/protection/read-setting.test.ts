import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSetting } from './kill-switch.node.ts';

const KEY = 'TTS_PROVIDER';
const read = (text: string) => readSetting(text, KEY);

describe('readSetting', () => {
  it('the line that echo appends has the last word', () => {
    expect(read('TTS_PROVIDER=flite\nOTHER=1\nTTS_PROVIDER=disabled\n')).toBe('disabled');
    expect(read('TTS_PROVIDER=disabled\nTTS_PROVIDER=flite\n')).toBe('flite');
  });

  it.each([
    ['TTS_PROVIDER=disabled', 'disabled'],
    ['TTS_PROVIDER=disabled\r\n', 'disabled'],
    ['  TTS_PROVIDER = disabled  ', 'disabled'],
    ['export TTS_PROVIDER=disabled', 'disabled'],
    ['export\tTTS_PROVIDER="disabled"', 'disabled'],
    ["TTS_PROVIDER='disabled' # for now", 'disabled'],
    ['TTS_PROVIDER="disabled', 'disabled'],
    ['TTS_PROVIDER=disabled # for now', 'disabled'],
    ['TTS_PROVIDER=disabled#for now', 'disabled'],
    ['TTS_PROVIDER="a # b"', 'a # b'],
    ['TTS_PROVIDER=', ''],
    ['TTS_PROVIDER=""', ''],
    ['TTS_PROVIDER=a=b', 'a=b'],
    ['\uFEFFTTS_PROVIDER=disabled', 'disabled'],
    ['OLD=1\rTTS_PROVIDER=disabled\r', 'disabled'],
    // cmd.exe keeps the quotes of seed 003's command
    ['"TTS_PROVIDER=disabled" \r\n', 'disabled'],
  ])('reads %j as %j', (text, value) => {
    expect(read(text)).toBe(value);
  });

  it.each([
    '',
    '\n\n',
    '# TTS_PROVIDER=disabled',
    '  # TTS_PROVIDER=disabled',
    'OTHER=flite # TTS_PROVIDER=disabled',
    'MY_TTS_PROVIDER=disabled',
    'TTS_PROVIDER_OLD=disabled',
    'TTS_PROVIDER',
    'TTS PROVIDER=disabled',
  ])('finds nothing said in %j', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it('reads what was appended to a line without an end', () => {
    expect(read('TTS_PROVIDER=fliteTTS_PROVIDER=disabled\n')).toBe('disabled');
    expect(read('OTHER="x"TTS_PROVIDER=disabled\n')).toBe('disabled');
  });

  it('reads what Windows PowerShell appends in UTF-16', () => {
    const bytes = Buffer.concat([
      Buffer.from('TTS_PROVIDER=flite\r\n'),
      Buffer.from('\uFEFFTTS_PROVIDER=disabled\r\n', 'utf16le'),
    ]);
    expect(read(bytes.toString('utf8'))).toBe('disabled');
  });

  it('lets the last line win, whatever stands before it and behind it', () => {
    const value = fc.constantFrom('disabled', 'flite', 'kokoro', 'DISABLED');
    const form = fc.constantFrom(
      (text: string) => `TTS_PROVIDER=${text}`,
      (text: string) => ` export TTS_PROVIDER = "${text}" # why`,
      (text: string) => `TTS_PROVIDER='${text}'`,
    );
    const saying = fc.record({ value, form }).map((said) => ({ ...said, line: said.form(said.value) }));
    const silence = fc.constantFrom('', '# TTS_PROVIDER=x', 'OTHER=1', 'nonsense', '=', '"').map((line) => ({
      value: undefined,
      line,
    }));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(saying, silence)),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (lines, end, hasLastEnd) => {
          const text = lines.map(({ line }) => line).join(end) + (hasLastEnd ? end : '');
          expect(read(text)).toBe(lines.findLast((line) => line.value !== undefined)?.value);
        },
      ),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(['string', 'undefined']).toContain(typeof read(text));
      }),
    );
  });
});
