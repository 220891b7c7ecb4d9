import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentIdFault } from '../storable/document.ts';
import {
  accessOf,
  mayUseVoice,
  readVoice,
  type RegisteredVoice,
  registerVoice,
  type ReportedAs,
  type VoiceAccess,
  voiceDocumentId,
  type VoiceUse,
} from './voices.ts';

const REPORTED: ReportedAs = {
  engine: 'elevenlabs',
  voiceId: 'v1',
  name: 'Rachel',
  languages: ['en'],
  isPrivate: false,
};

const anAccess = fc.oneof(
  fc.constantFrom<VoiceAccess>('shared', 'closed'),
  fc.constantFrom('ada', 'bob').map((owner): VoiceAccess => ({ owner })),
);
const someEntries = fc.array(fc.record({ access: anAccess, isDecided: fc.boolean() }), { maxLength: 4 });
const aUse = fc.record<VoiceUse>({
  userId: fc.constantFrom('ada', 'bob', 'eve'),
  chosenBy: fc.constantFrom('person', 'server'),
  isListed: fc.boolean(),
});

describe('mayUseVoice', () => {
  it('is never opened by a further entry, nor by the order of entries', () => {
    fc.assert(
      fc.property(
        someEntries,
        fc.record({ access: anAccess, isDecided: fc.boolean() }),
        aUse,
        (entries, more, use) => {
          const may = mayUseVoice(entries, use);
          expect(mayUseVoice(entries.toReversed(), use)).toBe(may);
          const isOpened = entries.length > 0 && !may && mayUseVoice([...entries, more], use);
          expect(isOpened).toBe(false);
        },
      ),
    );
  });

  it('gives a closed voice to no one, and an owned one to its owner only', () => {
    fc.assert(
      fc.property(someEntries, aUse, (entries, use) => {
        const counting = entries.filter(({ isDecided }) => isDecided || !use.isListed);
        const isOpen = counting.every(
          ({ access }) => access === 'shared' || (access !== 'closed' && access.owner === use.userId),
        );
        fc.pre(entries.length > 0);
        expect(mayUseVoice(entries, use)).toBe(isOpen);
      }),
    );
  });

  it.each<[VoiceUse['chosenBy'], boolean, boolean]>([
    ['person', false, false],
    ['person', true, true],
    ['server', false, true],
    ['server', true, true],
  ])(
    'a voice that no one registered, chosen by a %s, listed: %s, passes: %s',
    (chosenBy, isListed, passes) => {
      expect(mayUseVoice([], { userId: 'ada', chosenBy, isListed })).toBe(passes);
    },
  );

  it('treats a voice that two users have as closed', () => {
    const entries = ['ada', 'bob'].map((owner) => ({ access: { owner }, isDecided: true }));
    expect(accessOf(entries, false)).toBe('closed');
  });
});

describe('registerVoice', () => {
  it('shares a built-in voice and closes a private one', () => {
    expect(registerVoice(undefined, REPORTED)).toEqual({ ...REPORTED, access: 'shared', isDecided: false });
    expect(registerVoice(undefined, { ...REPORTED, isPrivate: true })).toMatchObject({ access: 'closed' });
  });

  it('writes nothing for what it has, and follows a new name', () => {
    const known = registerVoice(undefined, REPORTED);
    expect(registerVoice(known, REPORTED)).toBeUndefined();
    expect(registerVoice(known, { ...REPORTED, name: 'Ray' })).toMatchObject({ name: 'Ray' });
  });

  it('closes the voice of a worker that does not say what it is, until another does', () => {
    const unknown = registerVoice(undefined, { ...REPORTED, isPrivate: undefined });
    expect(unknown).toMatchObject({ access: 'closed' });
    const known = registerVoice(unknown, REPORTED);
    expect(known).toMatchObject({ access: 'shared' });
    expect(registerVoice(known, { ...REPORTED, isPrivate: undefined })).toBeUndefined();
  });

  it('opens no voice that was ever private, and changes no decision, whatever workers report', () => {
    const isPrivate = fc.constantFrom(true, false, undefined);
    const aReport = fc.record({ name: fc.constantFrom('a', 'b'), isPrivate });
    fc.assert(
      fc.property(fc.array(aReport, { maxLength: 8 }), fc.option(anAccess), (reports, decided) => {
        let entry: RegisteredVoice | undefined =
          decided === null ? undefined : { ...REPORTED, access: decided, isDecided: true };
        let wasPrivate = false;
        for (const report of reports) {
          wasPrivate ||= report.isPrivate === true;
          entry = registerVoice(entry, { ...REPORTED, ...report }) ?? entry;
          const expected = decided ?? (wasPrivate ? 'closed' : entry?.access);
          expect(entry?.access).toEqual(expected);
        }
      }),
    );
  });
});

describe('the register', () => {
  it('has one document for each voice of each engine, whatever their ids', () => {
    const anId = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.string({
        unit: fc.constantFrom('_', ':', '/', '%', '.', '\0', 'a', '2', 'F'),
        minLength: 1,
        maxLength: 8,
      }),
    );
    const aVoice = fc.record({ engine: fc.oneof(fc.constant(''), anId), voiceId: anId });
    fc.assert(
      fc.property(aVoice, aVoice, (one, other) => {
        const id = voiceDocumentId(one);
        expect(documentIdFault(id)).toBeUndefined();
        expect(id).not.toBe('menu');
        const isSame = one.engine === other.engine && one.voiceId === other.voiceId;
        expect(id === voiceDocumentId(other)).toBe(isSame);
      }),
    );
  });

  it('takes the longest ids', () => {
    for (const unit of ['/', '€', '_'])
      expect(
        documentIdFault(voiceDocumentId({ engine: unit.repeat(100), voiceId: unit.repeat(200) })),
      ).toBeUndefined();
  });

  it('reads what makes no sense as closed', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('access', 'name', 'voiceId', 'languages'), fc.anything()),
        (fields) => {
          const { access } = readVoice(fields);
          expect(access === 'shared' && fields['access'] !== 'shared').toBe(false);
        },
      ),
    );
    expect(readVoice({ access: { owner: 7 } })).toMatchObject({ access: 'closed', isPrivate: undefined });
    expect(readVoice({ access: { owner: 'ada' } }).access).toEqual({ owner: 'ada' });
  });
});
