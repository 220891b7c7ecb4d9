import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import {
  type ControlFile,
  type ControlFileAnswer,
  KillSwitch,
  type KillSwitchChange,
} from './kill-switch.node.ts';

/** A file that tests write; its stamp is the number of the version. */
const createFile = () => {
  const state = { answer: { kind: 'missing' } as ControlFileAnswer, version: 0, looks: 0, reads: 0 };
  const file: ControlFile = {
    name: 'control.env',
    read: (knownStamp) => {
      state.looks += 1;
      const { answer } = state;
      if (answer.kind === 'text' && answer.stamp === knownStamp) return { kind: 'unchanged' };
      if (answer.kind === 'text') state.reads += 1;
      return answer;
    },
  };
  const write = (text: string): void => {
    state.version += 1;
    state.answer = { kind: 'text', text, stamp: String(state.version) };
  };
  return { file, state, write };
};

const setup = (ttsProvider?: string) => {
  const clock = createFakeClock(1_000_000);
  const { file, state, write } = createFile();
  const changes: KillSwitchChange[] = [];
  const onChange = (change: KillSwitchChange): void => void changes.push(change);
  const killSwitch = new KillSwitch({ ttsProvider }, { controlFile: file, clock, onChange });
  /** What it says once it has looked again. */
  const later = () => {
    clock.advance(1_000);
    return killSwitch.status();
  };
  return { clock, state, write, killSwitch, changes, later };
};

const ENABLED = { disabled: false, source: 'environment' };

describe('KillSwitch', () => {
  it.each(['disabled', 'DISABLED', ' Disabled '])('seed 003: %j switches synthesis off', (value) => {
    const { killSwitch, changes } = setup(value);
    expect(killSwitch.status()).toEqual({ disabled: true, source: 'environment' });
    expect(changes).toEqual([{ kind: 'switched', disabled: true, source: 'environment' }]);
  });

  it.each([undefined, '', 'kokoro', 'flite', 'disabled-not', 'false'])('takes %j for on', (value) => {
    const { killSwitch, changes } = setup(value);
    expect(killSwitch.status()).toEqual(ENABLED);
    expect(changes).toEqual([]);
  });

  it('needs no control file', () => {
    expect(new KillSwitch({ ttsProvider: 'disabled' }).status().disabled).toBe(true);
  });

  it('an appended line disables without a restart, and another enables', () => {
    const { write, changes, killSwitch, later } = setup('kokoro');
    expect(killSwitch.status()).toEqual(ENABLED);
    write('TTS_PROVIDER=kokoro\nTTS_PROVIDER=disabled\n');
    expect(later()).toEqual({ disabled: true, source: 'control-file' });
    write('TTS_PROVIDER=kokoro\nTTS_PROVIDER=disabled\nTTS_PROVIDER=kokoro\n');
    expect(later()).toEqual({ disabled: false, source: 'control-file' });
    expect(changes.map((change) => change.kind === 'switched' && change.disabled)).toEqual([true, false]);
  });

  it('takes DJ_PROVIDER for the same key, and the last line of either', () => {
    const { write, later } = setup();
    write('A=1\nDJ_PROVIDER=disabled\n');
    expect(later()).toEqual({ disabled: true, source: 'control-file' });
    write('TTS_PROVIDER=disabled\nDJ_PROVIDER=kokoro');
    expect(later().disabled).toBe(false);
    write('DJ_PROVIDER=kokoro\nOTHER=1DJ_PROVIDER=disabled');
    expect(later().disabled).toBe(true);
    write('NO_DJ_PROVIDER=kokoro\nDJ_VOICE_PROVIDER=templates');
    expect(later().disabled).toBe(false);
  });

  it('lets the file enable what the environment disables', () => {
    const { write, killSwitch } = setup('disabled');
    write('TTS_PROVIDER=kokoro');
    expect(killSwitch.status()).toEqual({ disabled: false, source: 'control-file' });
  });

  it('goes back to the environment when the line or the file is gone', () => {
    const { state, write, later } = setup('kokoro');
    write('TTS_PROVIDER=disabled');
    expect(later().disabled).toBe(true);
    write('# nothing\n');
    expect(later()).toEqual(ENABLED);
    write('TTS_PROVIDER=disabled');
    expect(later().disabled).toBe(true);
    state.answer = { kind: 'missing' };
    expect(later()).toEqual(ENABLED);
  });

  it('looks at most once a second, and reads only what changed', () => {
    const { clock, state, write, killSwitch } = setup();
    write('TTS_PROVIDER=flite');
    for (let use = 0; use < 1_000; use += 1) {
      killSwitch.status();
      clock.advance(10);
    }
    expect([state.looks, state.reads]).toEqual([10, 1]);
    write('TTS_PROVIDER=disabled');
    expect(killSwitch.status().disabled).toBe(true);
  });

  it('notices a word of an operator within a second', () => {
    const { clock, write, killSwitch } = setup();
    killSwitch.status();
    write('TTS_PROVIDER=disabled');
    clock.advance(999);
    expect(killSwitch.status().disabled).toBe(false);
    clock.advance(1);
    expect(killSwitch.status().disabled).toBe(true);
  });

  it('keeps the last known value of a file that cannot be read, and reports it once', () => {
    const { state, write, changes, later } = setup();
    write('TTS_PROVIDER=disabled');
    later();
    const readable = state.answer;
    state.answer = { kind: 'unreadable', cause: 'EACCES' };
    expect([later(), later(), later()].every(({ disabled }) => disabled)).toBe(true);
    state.answer = readable;
    expect(later().disabled).toBe(true);
    state.answer = { kind: 'unreadable', cause: 'EISDIR' };
    expect(later().disabled).toBe(true);
    expect(changes).toEqual([
      { kind: 'switched', disabled: true, source: 'control-file' },
      { kind: 'unreadable', cause: 'EACCES' },
      { kind: 'unreadable', cause: 'EISDIR' },
    ]);
  });

  it('goes by the environment when the file could never be read', () => {
    const { state, killSwitch } = setup('disabled');
    state.answer = { kind: 'unreadable', cause: 'EISDIR' };
    expect(killSwitch.status()).toEqual({ disabled: true, source: 'environment' });
  });

  it('reports no change when only the source is another', () => {
    const { write, changes, killSwitch, later } = setup('disabled');
    killSwitch.status();
    write('TTS_PROVIDER=disabled');
    expect(later().source).toBe('control-file');
    expect(changes).toHaveLength(1);
  });
});
