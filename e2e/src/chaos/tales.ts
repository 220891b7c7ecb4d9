/** A story of the storm, and how it has to end. */
export interface Tale {
  readonly id: string;
  readonly userId: string;
  readonly title: string;
  readonly text: string;
  /** What another app changes the text to, if it does. */
  readonly laterText: string | undefined;
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

/** One in twelve is written again while it may be narrated. */
const isRewritten = (index: number): boolean => index % 12 === 3;

/** So many stories, no two with the same words: its audio shows whose it is. */
export const tellTales = (count: number): readonly Tale[] =>
  Array.from({ length: count }, (_, index) => {
    const deed = `the ${pick(WHO, index)} ${pick(DID, index)} ${pick(WHAT, index)}`;
    return {
      id: `tale-${index}`,
      userId: `reader-${index % 10}`,
      title: `Tale ${index}`,
      text: `Number ${index}: ${deed} ${pick(WHERE, index)}.`,
      laterText: isRewritten(index) ? `Number ${index}, once more: ${deed}.` : undefined,
      voiceId: isHaunted(index) ? 'ghost' : 'slt',
      fault: isHaunted(index) ? 'voice_not_found' : undefined,
    };
  });

/** All its texts, the first one first. */
export const textsOf = ({ text, laterText }: Tale): readonly string[] =>
  laterText === undefined ? [text] : [text, laterText];
