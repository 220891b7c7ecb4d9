export { isSilent } from './loudness.ts';
export {
  createMp3ThreadEncoder,
  type Mp3Encoder,
  type Mp3EncoderOptions,
  type Mp3Stream,
} from './mp3-encoder.ts';
export type { Mp3BitrateKbps } from './mp3-protocol.ts';
export { appendPause, PAUSE_SCALE_RANGE, type PieceEnding } from './pauses.ts';
export { durationMsOf, type Pcm, samplesIn } from './pcm.ts';
export { splitText, type TextPiece } from './split-text.ts';
export { isSpeakable, spokenLength } from './spoken-length.ts';
export { trimSilence } from './trim-silence.ts';
export { type SpokenText, verifySound } from './verify-sound.ts';
export { formatWav, parseWav } from './wav.ts';
