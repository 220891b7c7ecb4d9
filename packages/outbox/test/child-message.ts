import type { CallbackMessage, OutboxMessage } from '../src/index.ts';

/** A ready callback `{story}-{n}` of that story, with a substitute, to the receiver at this address. */
export const callbackTo = (url: string, id: string, padding = 0): CallbackMessage => {
  const storyId = id.split('-')[0] ?? id;
  const common = { story_id: storyId, user_id: null, voice_id: null, job_id: id };
  return {
    url: `${url}/api/tts/callback`,
    messageId: `ready_${id}`,
    payload: {
      ...common,
      voice_name: null,
      audio_url: `https://cdn.example/${id}.mp3`,
      storage_path: null,
      language: 'en',
      duration_ms: 1,
      metadata: { padding: 'x'.repeat(padding) },
    },
    substitute: {
      url: `${url}/api/tts/error-callback`,
      messageId: `failed_${id}`,
      payload: { ...common, error: 'not accepted', error_details: null, metadata: {} },
    },
  };
};

/** The same as the outbox keeps it. */
export const messageTo = (url: string, id: string, padding = 0): OutboxMessage => {
  const { payload, substitute, ...rest } = callbackTo(url, id, padding);
  return {
    ...rest,
    body: JSON.stringify(payload),
    lane: `job ${id}`,
    substitute: substitute && {
      url: substitute.url,
      messageId: substitute.messageId,
      body: JSON.stringify(substitute.payload),
    },
  };
};
