import type { WorkerConfig } from '../config.ts';
import type { Log } from '@taleback/core';
import { type CapacityInput, type JobSource, storyCapacity } from './index.ts';
import { createPubsubSource } from './pubsub-source.node.ts';
import { createRunpodDevSource, createRunpodSource } from './runpod-source.ts';

export interface JobSourceParts {
  readonly config: Pick<WorkerConfig, 'source' | 'subscription' | 'concurrency' | 'ackDeadlineSeconds'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How the speech service stands. */
  readonly picture: () => CapacityInput;
  readonly log: Log;
}

/** The source of jobs that the configuration names. */
export const createJobSource = ({ config, environment, picture, log }: JobSourceParts): JobSource => {
  const { source, concurrency } = config;
  switch (source.kind) {
    case 'pubsub':
      return createPubsubSource({ ...config, log });
    case 'runpod':
      return createRunpodSource({
        env: environment,
        outboxFolder: source.runpodOutboxFolder,
        concurrency: () => storyCapacity(picture(), concurrency),
        log,
      });
    case 'runpod-dev': {
      const { host, port, apiKey } = source.runpodDev;
      return createRunpodDevSource({ host, port, apiKey: apiKey?.text, concurrency, log });
    }
    default:
      return source.kind satisfies never;
  }
};
