import type { StoryDraft } from '../stack/index.ts';

const CLARA = { voiceId: 'slt', voiceName: 'Clara' } as const;

/** The first is narrated. Aesop, in the translation of V. S. Vernon Jones, 1912, public domain. */
export const FIRST_STORY: StoryDraft = {
  ...CLARA,
  title: 'The Fox and the Grapes',
  text: 'A hungry Fox saw some fine bunches of Grapes hanging from a vine that was trained along a high trellis, and did his best to reach them by jumping as high as he could into the air. But it was all in vain, for they were just out of reach: so he gave up trying, and walked away with an air of dignity and unconcern, remarking, "I thought those Grapes were ripe, but I see now they are quite sour."',
};

/** This one asks for a voice that nobody has, and fails on purpose. */
export const BROKEN_STORY: StoryDraft = {
  voiceId: 'ghost',
  voiceName: 'A voice that does not exist',
  title: 'The North Wind and the Sun',
  text: 'A dispute arose between the North Wind and the Sun, each claiming that he was stronger than the other. At last they agreed to try their powers upon a traveller, to see which could soonest strip him of his cloak. The North Wind had the first try; and, gathering up all his force for the attack, he came whirling furiously down upon the man. But the harder he blew, the closer the man wrapped it round himself. Then came the turn of the Sun. At first he beamed gently upon the traveller, who soon unclasped his cloak. Persuasion is better than force.',
};

/** Left for the newcomer to narrate. Lewis Carroll, 1865, public domain. */
export const WAITING_STORY: StoryDraft = {
  ...CLARA,
  title: 'Down the Rabbit-Hole',
  text: 'Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do. Once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, "and what is the use of a book," thought Alice, "without pictures or conversations?"',
};

/** The voice that mends the broken story. */
export const MENDING_VOICE = 'slt';
