/** A story of the storm, and how it has to end. */
export interface Tale {
  readonly id: string;
  readonly userId: string;
  readonly title: string;
  readonly text: string;
  readonly voiceId: string;
  /** The only cause of its own that it may fail for; absent for one that can be narrated. */
  readonly fault: string | undefined;
}

const WHO = ['fox', 'miller', 'lighthouse keeper', 'raven', 'clockmaker', 'ferryman', 'old queen'];
const DID = ['carried', 'hid', 'painted', 'lost', 'polished', 'sold', 'followed', 'dreamt of'];
const WHAT = ['a lantern', 'the silver key', 'a letter', 'three apples', 'the blue boat'];
const WHERE = ['by the river', 'under the bridge', 'before dawn', 'on the last day of winter'];

const pick = (list: readonly string[], index: number): string => list[index % list.length] ?? '';

/** One in twenty-five asks for a voice that does not exist. */
const isHaunted = (index: number): boolean => index % 25 === 7;

/** So many stories, no two with the same words: its audio shows whose it is. */
export const tellTales = (count: number): readonly Tale[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `tale-${index}`,
    userId: `reader-${index % 10}`,
    title: `Tale ${index}`,
    text: `Number ${index}: the ${pick(WHO, index)} ${pick(DID, index)} ${pick(WHAT, index)} ${pick(WHERE, index)}.`,
    voiceId: isHaunted(index) ? 'ghost' : 'slt',
    fault: isHaunted(index) ? 'voice_not_found' : undefined,
  }));
