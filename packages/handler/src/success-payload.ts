import type { SuccessPayload } from '@taleback/outbox/src/callbacks-index.ts';
import type { Narration } from '@taleback/speech/src/chain/narrate.ts';
import type { StoredAudio } from '@taleback/worker/src/storage/index.ts';
import type { NarrationJob } from './parse-event.ts';

/** The body of a success callback; its metadata is the job's own, with how the audio was made. */
export const successPayload = (
  job: NarrationJob,
  narration: Narration,
  stored: StoredAudio,
  made: { readonly generationTime: number; readonly workerId: string },
): SuccessPayload => {
  const failedBefore = narration.failedBefore ?? [];
  return {
    story_id: job.storyId ?? 'unknown',
    user_id: job.userId ?? null,
    // Another voice stepped in: the story keeps the one that its person chose.
    voice_id: failedBefore.length > 0 ? job.voiceId : narration.voiceId,
    voice_name: job.voiceName ?? null,
    audio_url: stored.url,
    storage_path: stored.key,
    language: job.language,
    job_id: job.jobId ?? null,
    duration_ms: narration.durationMs,
    metadata: {
      ...job.metadata,
      generation_time: made.generationTime,
      worker_id: made.workerId,
      engine: narration.engine,
      chunks: narration.chunkCount,
      size_bytes: stored.sizeBytes,
      ...(failedBefore.length === 0
        ? {}
        : {
            spoken_voice_id: narration.voiceId,
            failed_before: failedBefore.map(({ engine, voiceId, error }) => ({
              engine,
              voice_id: voiceId ?? null,
              error_type: error.code,
            })),
          }),
    },
  };
};
