import { type Clock, systemClock } from '@taleback/resilience';
import { spawnChild } from '../../protocol/child-process.node.ts';
import type { OpenSoundFiles } from '../../protocol/sound-files.node.ts';
import type { OpenSpeechChild } from '../../pool/speech-child.ts';
import type { Log } from '@taleback/core';
import { ChildConnection } from '../../protocol/child-connection.ts';
import type { ProtocolVersion } from '../../protocol/protocol.ts';

export interface ProcessChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: OpenSoundFiles;
  /** Default: all, newest first. `['1.0.0']` for a child that is known to be old. */
  readonly versions?: readonly ProtocolVersion[] | undefined;
  readonly negotiationTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly log: Log;
}

/** Children that are processes and speak the line protocol. */
export const processChild =
  (options: ProcessChildOptions): OpenSpeechChild =>
  (workerId, events) => {
    const { command, args, env, files, versions, negotiationTimeoutMs, log, clock = systemClock } = options;
    const onLog = (line: string): void => log('info', 'speech child says', { worker: workerId, line });
    const open = spawnChild({ command, args, env, onLog });
    return new ChildConnection({ workerId, open, files, versions, negotiationTimeoutMs, clock, log }, events);
  };
