import { corruptProfile, unusableProfile } from './profile-fault.ts';

/** A minute of 44.1 kHz stereo in 16 bits; cloning wants ten seconds. */
export const MAX_PROFILE_BYTES = 10 * 2 ** 20;

const tooBig = (): Error => unusableProfile(`is over ${MAX_PROFILE_BYTES} bytes`);

/** What follows `data:audio/wav;base64,`, or all of it. */
const payloadOf = (text: string): string => {
  const trimmed = text.trimStart();
  if (!/^data:/i.test(trimmed)) return trimmed;
  const comma = trimmed.indexOf(',');
  if (comma === -1 || comma > 200 || !/;\s*base64\s*$/i.test(trimmed.slice(0, comma)))
    throw corruptProfile('profile_base64: is a data: address without base64');
  return trimmed.slice(comma + 1);
};

/**
 * Decodes a recording, with or without `data:` before it, white space in it, in the usual alphabet or the one for
 * addresses, with or without padding.
 *
 * @throws TalebackError `voice_profile_corrupt` when it is no base64, `voice_profile_format_invalid` over 10 MiB
 */
export const decodeBase64 = (text: string): Uint8Array<ArrayBuffer> => {
  // Four characters are three bytes; twice that, because every second may be a line break, and not one more is looked at.
  if (text.length > MAX_PROFILE_BYTES * 3) throw tooBig();
  const digits = payloadOf(text).replace(/\s+/g, '');
  const end = digits.search(/={1,2}$/);
  const bare = end === -1 ? digits : digits.slice(0, end);
  const stray = bare.search(/[^A-Za-z0-9+/_-]/);
  // Where, but not what: the characters are somebody's voice.
  if (stray !== -1) throw corruptProfile(`profile_base64: holds a character that is no base64 at ${stray}`);
  if (bare.length % 4 === 1) throw corruptProfile('profile_base64: was cut off');
  if (Math.floor((bare.length * 3) / 4) > MAX_PROFILE_BYTES) throw tooBig();
  // Both alphabets are read.
  return new Uint8Array(Buffer.from(bare, 'base64'));
};
