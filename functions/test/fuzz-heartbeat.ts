import * as fc from 'fast-check';

const FIELDS = [
  'name',
  'state',
  'reason',
  'error_type',
  'languages',
  'clones_voices',
  'breaker',
  'retry_at',
  'consecutive_failures',
  'last_failure_type',
  'last_failure_at',
  'last_success_at',
  'voices',
  '__proto__',
  'extra',
] as const;

const VOICE_FIELDS = ['id', 'name', 'languages', 'gender', 'accent', 'remark', '__proto__'] as const;

/** An object as JSON text: sound fields, of which hostile ones take the place, because the last of a name counts. */
const objectText = (
  sound: readonly string[],
  fields: readonly string[],
  value: fc.Arbitrary<string>,
): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.constantFrom(...fields), value), { maxLength: 1 })
    .map((odd) => `{${[...sound, ...odd.map(([name, text]) => `"${name}":${text}`)].join(',')}}`);

/**
 * A list of engines as JSON text, wrong in few places or in none.
 *
 * @param value hostile values, as JSON
 */
export const enginesText = (value: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  const voices = fc
    .array(objectText(['"id":"slt"', '"name":"Clara"', '"languages":["en"]'], VOICE_FIELDS, value), {
      maxLength: 2,
    })
    .map((list) => `"voices":[${list.join(',')}]`);
  const engine = fc
    .tuple(fc.constantFrom('flite', 'kokoro', 'a.b', 'é'), voices)
    .chain(([name, list]) =>
      objectText([`"name":"${name}"`, '"state":"ready"', '"languages":["en"]', list], FIELDS, value),
    );
  return fc.array(engine, { maxLength: 3 }).map((list) => `[${list.join(',')}]`);
};
