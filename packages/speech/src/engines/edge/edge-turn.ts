import { TalebackError } from '@taleback/core';
import { closedEarly, noAudio } from './edge-fault.ts';
import { formatConfigFrame, formatSsmlFrame, parseAudioFrame, parseTextFrame } from './edge-frames.ts';
import type { SpeechSocket } from './speech-socket.ts';

/** Ten minutes of sound at 48 kbit/s, bytes. 4,096 bytes of text spoken slowly are about eight. */
const MAX_SOUND_BYTES = 3_600_000;

export interface Turn {
  readonly ssml: string;
  /** 32 hex digits. */
  readonly requestId: string;
  /** The service's time, epoch milliseconds. */
  readonly nowMs: number;
}

/**
 * One text over a fresh connection: the two frames out, the sound back until `turn.end`.
 *
 * @returns an MP3 stream, never empty
 * @throws TalebackError `audio_missing` for no sound and for sound that broke off, `model_failed` for frames that cannot
 * be read, `provider_rejected` for more sound than speech can be, and what the service says when it closes.
 */
export const takeTurn = async (socket: SpeechSocket, turn: Turn): Promise<Uint8Array> => {
  socket.send(formatConfigFrame(turn.nowMs));
  socket.send(formatSsmlFrame(turn.ssml, turn.requestId, turn.nowMs));
  const parts: Uint8Array[] = [];
  let audioBytes = 0;
  for (;;) {
    const message = await socket.receive();
    switch (message.kind) {
      case 'closed':
        throw closedEarly({ ...message, audioBytes });
      case 'binary': {
        const sound = parseAudioFrame(message.bytes);
        audioBytes += sound.length;
        if (audioBytes > MAX_SOUND_BYTES) throw endless(audioBytes);
        parts.push(sound);
        break;
      }
      case 'text':
        if (parseTextFrame(message.text) !== 'turn.end') break;
        if (audioBytes === 0) throw noAudio();
        return Buffer.concat(parts);
    }
  }
};

const endless = (audioBytes: number): TalebackError =>
  new TalebackError('provider_rejected', 'The sound of the Edge service does not end.', {
    details: `more than ${MAX_SOUND_BYTES} bytes: ${audioBytes}`,
  });
