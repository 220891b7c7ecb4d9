/** A request in an envelope, as in the protocol's own example. */
export const request = (
  payload: unknown,
  correlationId: unknown = 'control',
  version: unknown = '2.1.0',
): Record<string, unknown> => ({
  version,
  messageId: 'msg-12-x',
  timestamp: 1_640_995_200_000,
  type: 'request',
  payload,
  metadata: { correlationId, workerId: 'worker-1', retryCount: 0 },
});

export const synthesize = (
  text: unknown,
  correlationId: string,
  fields: Readonly<Record<string, unknown>> = {},
  version = '2.1.0',
): Record<string, unknown> =>
  request({ type: 'synthesize', text, voice: 'default', ...fields }, correlationId, version);

export const hello = (versions: readonly string[] = ['2.1.0', '2.0.0', '1.0.0']): Record<string, unknown> =>
  request({ type: 'hello', versions }, 'hello');

export const bare = (text: unknown, outputPath: unknown, fields = {}): Record<string, unknown> => ({
  type: 'synthesize',
  text,
  output_path: outputPath,
  ...fields,
});
