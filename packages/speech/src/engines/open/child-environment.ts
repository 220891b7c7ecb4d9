/** What a child needs of our environment to find programs, models and its language; secrets are not among it. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TZ',
  'HF_HOME',
  'COQUI_TOS_AGREED',
  'TTS_HOME',
  'CUDA_VISIBLE_DEVICES',
  'LD_LIBRARY_PATH',
  'SYSTEMROOT',
] as const;

/** The environment of a speech child, out of ours. */
export const childEnvironment = (
  ours: Readonly<Record<string, string | undefined>>,
): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = ours[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
