/** Name of the Pub/Sub topic that jobs are put on. */
export const TTS_JOBS_TOPIC = 'tts-jobs';

/** Jobs that nobody could take, each with the reason in its attributes. */
export const TTS_DEAD_LETTER_TOPIC = `${TTS_JOBS_TOPIC}-dead-letter`;

/** News of narrations that ended. */
export const TTS_EVENTS_TOPIC = 'tts-events';
