import type { Random } from '@taleback/resilience';

const WORDS = (
  'a an at by in of on to we all and boy cow dog egg far fox hen her his let man mud now old one our pig red sea she ' +
  'the two who back bear bird blue boat bread cold door down farm fell fish five gold good grey hand hill home king ' +
  'lake lamp long moon nest over rain road ship snow song star tree walk wind wolf barn after black brave bring chair ' +
  'cloud dance early every field giant grass green happy horse house light maple night ocean paper queen quiet river ' +
  'round sleep small stone story three under water white window winter garden kitten letter little market morning ' +
  'mother orange silver spring summer thunder village whisper children evening forest hundred kitchen mountain ' +
  'princess rainbow remember sparrow'
).split(' ');

/** The shortest that may be left for another word and the space before it. */
const LEAST_LEFT = 2;

/** Texts of this many characters each, no two alike, that read like sentences to an engine. */
export const differentSentences = (count: number, characters: number, random: Random): string[] => {
  const sentences = new Set<string>();
  while (sentences.size < count) sentences.add(sentenceOf(characters, random));
  return [...sentences];
};

const sentenceOf = (characters: number, random: Random): string => {
  let text = '';
  while (text.length < characters - 1) {
    const space = text === '' ? '' : ' ';
    const left = characters - 1 - text.length - space.length;
    const fitting = WORDS.filter(({ length }) => length === left || length + LEAST_LEFT <= left);
    text += space + (fitting[Math.floor(random() * fitting.length)] ?? '');
  }
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};
