import { describe, expect, it } from 'vitest';
import { checkStory } from './check-story.ts';

const SENTENCES: Readonly<Record<string, string>> = {
  en: 'Once upon a time — in a café — “Zoë” said: it’s 3 µm, x ≥ 2 & 𝐛𝐨𝐥𝐝!',
  de: '„Schöne Grüße“, rief die Königin; das Schloß lag 3 km öst\u00adlich.',
  fr: '« Où est l’œuf ? », demanda-t-elle à 7\u202fh\u00a030…',
  es: '¿Dónde está el niño? ¡Aquí, señora!',
  pt: 'O coração da menina não dormia: “É já amanhã”, disse a mãe.',
  it: 'C’era una volta un re; perché rideva così?',
  nl: 'Er was eens ’n koning in één kasteel.',
  pl: 'Dawno, dawno temu żył król, który śmiał się głośno.',
  cs: 'Žil byl jednou jeden král, měl tři dcery.',
  sv: 'Det var en gång en älva på ön Åland.',
  tr: 'Bir varmış bir yokmuş, İstanbul’da ışık sönmüş.',
  vi: 'Ngày xửa ngày xưa, có một ông vua rất già.'.normalize('NFD'),
  ru: 'Жили-были старик со старухой — «Эй!» — крикнул ёж.',
  uk: 'Жила-була їжачиха, її ґава звала п’ять разів.',
  sr: 'Био једном један краљ.',
  'sr-Latn': 'Bio jednom jedan kralj, živeo je srećno.',
  kk: 'Ерте, ерте, ертеде бір хан болыпты.',
  el: 'Μια φορά κι έναν καιρό· «Τι κάνεις;» είπε ο Ὀδυσσεύς.',
  he: 'הָיֹה הָיָה פַּעַם מֶלֶךְ — „בֹּקֶר טוֹב״, אמר.',
  ar: 'كَانَ يَا مَا كَانَ، في قديم الزمان؛ هل تسمع؟\u200f',
  fa: 'یکی بود یکی نبود؛ می\u200cخواهم بروم.',
  ur: 'ایک دفعہ کا ذکر ہے، کہ ایک بادشاہ تھا۔',
  hi: 'एक समय की बात है, राजा ने कहा: “क्या हुआ?”',
  bn: 'একদা এক রাজা ছিল, তার তিন মেয়ে।',
  mr: 'एकदा एका गावात एक म्हातारी राहत होती.',
  pa: 'ਇੱਕ ਵਾਰ ਦੀ ਗੱਲ ਹੈ।',
  gu: 'એક વખતની વાત છે, એક રાજા હતો.',
  ta: 'ஒரு காலத்தில் ஒரு ராஜா இருந்தார்.',
  te: 'ఒకానొకప్పుడు ఒక రాజు ఉండేవాడు.',
  kn: 'ಒಂದಾನೊಂದು ಕಾಲದಲ್ಲಿ ಒಬ್ಬ ರಾಜ ಇದ್ದ.',
  ml: 'ഒരിക്കൽ ഒരിടത്ത് ഒരു രാജാവുണ്ടായിരുന്നു.',
  si: 'එකමත් එක කාලෙක රජෙක් හිටියා. ශ්\u200dරී',
  th: 'กาลครั้งหนึ่งนานมาแล้ว มีพระราชาอยู่ในปราสาท',
  km: 'កាលពីព្រេងនាយ មានស្តេចមួយអង្គ។',
  my: 'ရှေးရှေးတုန်းက ဘုရင်တစ်ပါး ရှိတယ်။',
  bo: 'སྔོན་ཞིག་ན་རྒྱལ་པོ་ཞིག་ཡོད། ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ།',
  ka: 'იყო და არა იყო რა, იყო ერთი მეფე.',
  hy: 'Լինում է, չի լինում՝ մի թագավոր։',
  am: 'ከዕለታት አንድ ቀን አንድ ንጉሥ ነበር።',
  zh: '从前，有一个国王（很老）；他说：“你好！”……',
  'zh-Hant': '從前有一個國王，「你好！」他說。',
  ja: '昔々、あるところに「スーパーマン」がいました！？えーーー。',
  ko: '옛날 옛적에, 한 임금님이 살았습니다.',
};
const languages = Object.keys(SENTENCES).map((language) => language.slice(0, 2));
const limits = { minCharacters: 1, maxCharacters: 20_000, languages };
const check = (text: string, language = 'en') => {
  const result = checkStory({ text, language }, limits);
  return result.ok ? 'ok' : result.code;
};

describe('checkStory takes what people write', () => {
  it.each(Object.entries(SENTENCES))('in %s: %s', (language, sentence) => {
    expect(check(sentence, language)).toBe('ok');
    expect(check(`\ufeff${sentence}`, language.replace('-', '_'))).toBe('ok');
    expect(check(sentence.normalize('NFD'), language)).toBe('ok');
    expect(
      check(`${sentence} 👨‍👩‍👧‍👦 👍🏽 ❤️ 🇩🇪 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 √2 ≈ 1.41 ∑ ∀x € ™ https://example.com/a?b`, language),
    ).toBe('ok');
  });

  it.each([
    ['zero-width characters', 'Once\u200b upon\u200d a\u2060 time\u200c'],
    ['marks of direction', '\u202bOnce\u202c \u2066upon\u2069 \u200ea time\u202e\u202c'],
    ['a byte order mark inside', 'Once upon \ufeffa time'],
    ['a vertical tab, as a word processor puts it', 'Once\vupon a time'],
    ['one logo of a private font', 'My \uf8ff computer'],
    ['letters of mathematics alone', '𝕺𝖓𝖈𝖊 𝖚𝖕𝖔𝖓 𝖆 𝖙𝖎𝖒𝖊'],
    ['full-width letters', 'Ｏｎｃｅ　ｕｐｏｎ'],
    ['ligatures and ordinals', 'ﬁrst 1ª 2º ½ Ⅷ'],
    ['phonetics', 'ðə kæt /ˈlɪtəl/'],
    ['an address in a sentence', 'See https://example.com/a'],
    ['a foreign name', 'She met Владимир and 美咲 there'],
    ['one misread letter', 'The word cafÃ© was wrong'],
    ['Portuguese in capitals', 'AÇÃO, NÃO, CORAÇÃO, MÃE, PÃO!'],
    ['line separators', 'Once\u2028upon\u2029a time'],
    ['a Zalgo letter within bounds', 'Once upo\u0310\u0311\u0312\u0313\u0314n a time'],
  ])('%s', (_, text) => {
    expect(check(text)).toBe('ok');
  });

  it('Chinese around addresses, with no blank between', () => {
    expect(check('见https://example.com。从前有一个国王，写信给me@example.com。', 'zh')).toBe('ok');
  });
});

describe('checkStory takes any text in its stride', () => {
  it.each([
    'a',
    'a-',
    'a.',
    '@',
    'a@',
    'a@a.',
    'www.',
    '://',
    'a://',
    '国',
    'क्षि',
    '\u0301',
    '\u200b',
    '👍🏽',
    'Ã¼',
  ])('200,000 characters of %j', (unit) => {
    // A pattern that goes back over its steps would take minutes.
    const text = `Once ${unit.repeat(200_000)}`.slice(0, 200_000);
    const result = checkStory({ text, language: 'en' }, { ...limits, maxCharacters: 200_000 });
    expect(result.ok ? 'text' : result.field).toBe('text');
  });
});

describe('checkStory refuses what is no story', () => {
  it.each([
    ['a swapped byte order mark', 'Once\ufffe upon', 'text_encoding_invalid'],
    ['a noncharacter of a high plane', 'Once \u{1ffff}', 'text_encoding_invalid'],
    ['NUL', 'Once\0', 'text_encoding_invalid'],
    ['an escape', 'Once\u001b[31m upon', 'text_encoding_invalid'],
    ['the second half of a pair first', 'Once \udc00\ud800', 'text_encoding_invalid'],
    ['private letters', 'a \ue000\ue001\ue002\ue003\ue004', 'text_encoding_invalid'],
    ['unassigned characters', 'a \u{3fff0}\u{3fff1}\u{3fff2}', 'text_encoding_invalid'],
    ['UTF-8 read as Latin-1', 'Ã„rger Ã¼ber die TÃ¼r und das SchloÃŸ', 'text_encoding_invalid'],
    ['Russian read as Latin-1', 'Ð–Ð¸Ð»Ð¸ Ð±Ñ‹Ð»Ð¸', 'text_encoding_invalid'],
    ['misread quotes', 'â€œYes,â€\u009d she said, itâ€™s mine â€“ now', 'text_encoding_invalid'],
    ['towers of marks', `On${'\u0301'.repeat(31)}ce`, 'text_encoding_invalid'],
    [
      'a flood of marks',
      'Once upon'.replace(/./gu, '$&\u0301\u0302\u0303\u0304\u0305'),
      'text_encoding_invalid',
    ],
    ['hidden text', `Hi${'\u{e0041}'.repeat(200)}`, 'text_encoding_invalid'],
    ['only emoji', '👨‍👩‍👧‍👦 👍🏽 ❤️ 🇩🇪', 'text_not_speakable'],
    ['only punctuation', '… — !? «»', 'text_not_speakable'],
    ['only addresses', 'https://example.com/a www.example.org me@example.com', 'text_not_speakable'],
    ['only marks', '\u0301\u0302', 'text_not_speakable'],
    ['another script', 'Жили-были https://example.com/a-long-address', 'script_unsupported'],
  ])('%s', (_, text, code) => {
    expect(check(text)).toBe(code);
  });

  it('counts no character that is not seen towards the shortest story', () => {
    const short = checkStory({ text: 'a\u200b\u200b', language: 'en' }, { ...limits, minCharacters: 3 });
    expect(short).toMatchObject({ code: 'text_too_short' });
  });

  it.each([
    ['sr-Cyrl', 'Bio jednom jedan kralj'],
    ['zh-Latn', '从前有一个国王'],
    ['ja', 'Once upon a time'],
    ['bn', 'एक समय की बात है'],
  ])('what is not in the script of %s', (language, text) => {
    expect(check(text, language)).toBe('script_unsupported');
  });

  it('takes any script for one that is not known', () => {
    expect(check('Once upon a time', 'en-Qaax')).toBe('ok');
  });

  it('says where the trouble is', () => {
    expect(checkStory({ text: 'ab\u0007', language: 'en' }, limits)).toMatchObject({
      sentence: 'text: holds control characters or broken Unicode: U+0007 at 2',
    });
  });
});
