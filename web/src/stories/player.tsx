import { useSignal } from '@preact/signals';
import type { Playable } from '../documents/index.ts';
import { durationWords, FailureNotice, Icon } from '../ui/index.ts';

interface Props {
  readonly audio: Playable;
  readonly label: string;
  /** Asks for another address, since this one may have run out; whether one comes. */
  readonly onBroken: () => Promise<boolean>;
}

/** Plays a narration with the browser's own controls; key it by address, so that another narration starts anew. */
export const Player = ({ audio, label, onBroken }: Props) => {
  const isUnplayable = useSignal(false);
  const check = async (): Promise<void> => {
    isUnplayable.value = !(await onBroken());
  };
  return (
    <div class="player">
      <audio
        data-testid="audio-player"
        controls
        preload="metadata"
        src={audio.url}
        aria-label={label}
        onError={() => void check()}
        onCanPlay={() => {
          isUnplayable.value = false;
        }}
      />
      {isUnplayable.value && (
        <FailureNotice>
          <p>The narration could not be loaded. Check your connection, or download it.</p>
        </FailureNotice>
      )}
      <p class="player-foot">
        {audio.durationMs !== undefined && <span>{durationWords(audio.durationMs)}</span>}
        <a href={audio.url} download class="with-icon">
          <Icon name="download" />
          Download
        </a>
      </p>
    </div>
  );
};
