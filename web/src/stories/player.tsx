import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Playable } from '../documents/narration.ts';
import { durationWords } from '../ui/time.tsx';
import { FailureNotice, Icon } from '../ui/elements.tsx';

interface Props {
  readonly audio: Playable;
  readonly label: string;
  /** Asks for another address, since this one may have run out; whether one comes. */
  readonly onBroken: () => Promise<boolean>;
}

/** Identifies a narration: another signature is another address of the same one. */
export const playerKey = ({ url }: Playable): string => url.split('?')[0] ?? url;

/**
 * Plays a narration with the browser's own controls; key it by `playerKey`, so that another narration starts from its beginning. Another
 * address of the same one is taken only when the old one does not load, and then it goes on where it stopped.
 */
export const Player = ({ audio, label, onBroken }: Props) => {
  const element = useRef<HTMLAudioElement>(null);
  const address = useRef<string>(undefined);
  const trouble = useSignal<'none' | 'asking' | 'unplayable'>('none');
  const check = async (): Promise<void> => {
    if (trouble.value === 'asking') return;
    const broken = address.current;
    trouble.value = 'asking';
    // Another address is known already, so none is requested.
    if (broken === audio.url && !(await onBroken()) && broken === address.current)
      trouble.value = 'unplayable';
  };
  useLayoutEffect(() => {
    const player = element.current;
    const isNeeded = address.current === undefined || trouble.value !== 'none';
    if (player === null || !isNeeded || address.current === audio.url) return;
    const { currentTime, paused } = player;
    address.current = audio.url;
    trouble.value = 'none';
    player.src = audio.url;
    if (currentTime > 0) player.currentTime = currentTime;
    if (!paused) void player.play().catch(() => {});
  }, [audio.url, trouble.value]);
  return (
    <div class="player">
      <audio
        data-testid="audio-player"
        controls
        preload="metadata"
        ref={element}
        aria-label={label}
        onError={() => void check()}
        onCanPlay={() => {
          trouble.value = 'none';
        }}
      />
      {trouble.value === 'unplayable' && (
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
