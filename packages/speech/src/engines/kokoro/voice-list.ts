const idOf = (entry: unknown): string | undefined => {
  const id = typeof entry === 'object' && entry !== null ? (entry as { id?: unknown }).id : entry;
  return typeof id === 'string' && id !== '' ? id : undefined;
};

/**
 * The ids in an answer of `GET /v1/audio/voices`: `{"voices":[{"id","name"}]}`, or names alone from releases before 0.3.
 *
 * @returns none when it is no such answer
 */
export const parseVoiceIds = (json: unknown): string[] => {
  const voices: unknown =
    typeof json === 'object' && json !== null ? (json as { voices?: unknown }).voices : undefined;
  if (!Array.isArray(voices)) return [];
  return [...new Set(voices.map(idOf).filter((id) => id !== undefined))];
};

/** The ids in an answer of `GET /v1/models`. */
export const parseModelIds = (json: unknown): string[] => {
  const models: unknown =
    typeof json === 'object' && json !== null ? (json as { data?: unknown }).data : undefined;
  return Array.isArray(models) ? models.map(idOf).filter((id) => id !== undefined) : [];
};
