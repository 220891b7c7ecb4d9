import { TalebackError } from '@taleback/core';
import { isWav } from '../../audio/index.ts';
import type { VoiceProfile } from '../engine.ts';

/** An ID3 tag, or the eleven set bits that begin a frame. */
const isMp3 = ([first, second = 0, third]: Uint8Array): boolean =>
  (first === 0x49 && second === 0x44 && third === 0x33) || (first === 0xff && (second & 0xe0) === 0xe0);

/** Of the hash, in the file's name: far more than tells recordings apart. */
const NAME_DIGITS = 40;

/**
 * A recording as the server takes it. Named by its content: the server keeps the file that is there when another of
 * its name comes.
 *
 * @throws TalebackError `voice_profile_format_invalid` for what is neither WAV nor MP3
 */
export const recordingFile = ({ bytes, hash }: VoiceProfile): File => {
  const kind = isWav(bytes) ? 'wav' : isMp3(bytes) ? 'mp3' : undefined;
  if (kind === undefined) {
    throw new TalebackError(
      'voice_profile_format_invalid',
      'Chatterbox takes recordings as WAV or MP3 only.',
      {
        details: `begins with ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`,
      },
    );
  }
  const type = kind === 'wav' ? 'audio/wav' : 'audio/mpeg';
  return new File([bytes], `taleback-${hash.slice(0, NAME_DIGITS)}.${kind}`, { type });
};
