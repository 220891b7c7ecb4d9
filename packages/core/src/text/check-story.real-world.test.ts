import { describe, expect, it } from 'vitest';
import { checkStory } from './check-story.ts';

const limits = { minCharacters: 1, maxCharacters: 20_000 };
const check = (text: string, language: string) => {
  const result = checkStory({ text, language }, limits);
  return result.ok ? 'ok' : result.code;
};

describe('checkStory takes what people publish', () => {
  it.each([
    ['zh', 'Tom和Jerry去了New York。'],
    ['zh', '我在 Facebook 和 Instagram 上看到 Michael Jordan 与 Taylor Swift。'],
    [
      'zh-TW',
      '哈利波特（Harry Potter）、榮恩·衛斯理（Ronald Weasley）和妙麗·格蘭傑（Hermione Granger）是好朋友。',
    ],
    ['zh-CN', '他用iPhone在YouTube上看Peppa Pig。'],
    ['yue', '佢哋鍾意去Starbucks飲Cappuccino。'],
    ['ja', 'NetflixでHarry Potter and the Chamber of Secretsを見た。'],
    ['ja', 'Alexander と Elizabeth は San Francisco へ行った。'],
    ['ja-JP', 'ＮＨＫのニュースをＹｏｕＴｕｂｅで見る。'],
    ['ko', 'Leonardo DiCaprio와 Kate Winslet이 나온 Titanic을 봤다.'],
    ['ko-KR', '나는 Spotify에서 Red Velvet, Stray Kids, TWICE를 들어요.'],
    ['crh', 'Bir zamanda bir padişa bar edi, onıñ üç qızı bar edi.'],
    ['crh', 'Бир заманда бир падиша бар эди, онынъ учь къызы бар эди.'],
    ['kaa', 'Burınǵı ótken zamanda bir patsha bolǵan eken.'],
    ['kaa', 'Бурынғы өткен заманда бир патша болған екен.'],
    ['iu', 'Ullumi anaanaga nunamut aullaqtuq, inuksuk takullugu.'],
    ['iu', 'ᐅᓪᓗᒥ ᐊᓈᓇᒐ ᓄᓇᒧᑦ ᐊᐅᓪᓚᖅᑐᖅ.'],
    ['nan', 'Kú-tsá-kú-tsá, ū chi̍t ê ông-tè tòa tī soaⁿ-téng.'],
    ['nan', '古早古早，有一个皇帝蹛佇山頂。'],
    ['sh', 'Био једном један цар који је имао три сина.'],
    ['sh', 'Bio jednom jedan car koji je imao tri sina.'],
    ['pt', 'AMANHÃ… AMANHÃ… “SÓ AMANHÔ, DISSE A IRMÃ. MAÇÃ! «ALEMû'],
    ['pt-BR', 'AMANHÃ…'],
    ['pt-BR', 'ROMÃ…   ORFÃ – MAÇÃ — CAMPEû IRMÔ, MANHÃ’; AVELÃ…'],
    ['is', 'ÞAÐ… VIР“MEД – HVAР»'],
    ['sv', 'Ångström och Åsa bor på Åland. ÅÄÖ…'],
    ['de', 'Der König sprach: „Ärger dich nicht über Öl!“ – »Gewiß.«'],
    ['fr', 'À L’ÂGE DE DIX ANS… « ÇA ALORS ! » cria-t-elle — d’où venait l’œuf ?'],
    ['es', '¿QUÉ PASÓ MAÑANA? «NIÑO», dijo la abuela… ¡AÑO NUEVO!'],
    ['ro', 'A fost odată ca niciodată un împărat; ÎN ȚARA LUI…'],
    ['vi', 'NGÀY XƯA CÓ MỘT CÔ BÉ TÊN LÀ TẤM… “ĐÃ” – BÃ… XÃ…'],
    ['tr', 'BİR VARMIŞ BİR YOKMUŞ; “ÇOK GÜZEL” dedi ağaç.'],
    ['pl', 'ŻÓŁW I ŹREBIĘ… „Dziękuję” – rzekł.'],
    ['ru', 'Сказка про iPhone и YouTube: «Жил-был король…»'],
    ['uk', 'Їжак із Netflix з’їв ґудзик.'],
    ['be', 'Žyŭ-byŭ dzied dy baba.'],
    ['el', 'Ο βασιλιάς είδε το YouTube.'],
    ['ar', 'كان يا ما كان، في قديم الزمان، ملك يحب Netflix.'],
    ['he', 'הילדה קראה את Harry Potter לפני השינה.'],
    ['hi', 'राजा ने WhatsApp पर संदेश भेजा।'],
    ['th', 'เจ้าหญิงดู YouTube ทุกวัน'],
    ['haw', 'I ka wā kahiko, aia he aliʻi ma Oʻahu.'],
    ['sw', 'Hapo zamani za kale paliishi sungura mjanja.'],
    ['tlh', 'tlhIngan maH! taHjaj!'],
    ['und', 'Жили-были and once upon a time'],
    ['en', '1️⃣ 2️⃣ 3️⃣ 4️⃣ 5️⃣ 6️⃣ 7️⃣ 8️⃣ 9️⃣ 🔟'],
    ['en', '1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣ go!'],
    ['en', '#️⃣*️⃣0️⃣ 1️⃣'],
    ['en', `I ${'❤️'.repeat(30)} you`],
    ['ja', '1️⃣まず手を洗う。2️⃣次に歯を磨く。3️⃣そして寝る。'],
  ])('in %s: %s', (language, text) => {
    expect(check(text, language)).toBe('ok');
    expect(check(`${text}\n${text}\n${text}`, language)).toBe('ok');
  });
});

describe('checkStory refuses what was garbled or is in another language’s script', () => {
  it.each([
    ['en', 'Жили-были старик со старухой', 'script_unsupported'],
    ['en', '从前，有一个国王，他很老。', 'script_unsupported'],
    ['en', '昔々あるところに Tom がいました', 'script_unsupported'],
    ['ru', 'Once upon a time there was a king', 'script_unsupported'],
    ['zh', 'Once upon a time there was a king', 'script_unsupported'],
    ['zh', 'Once upon a time there was a king in a far country whose name was 王明', 'script_unsupported'],
    ['zh', 'むかしむかし、あるところに', 'script_unsupported'],
    ['zh', 'Жили-были старик со старухой', 'script_unsupported'],
    ['ja', 'The quick brown fox (狐) jumps over the lazy dog', 'script_unsupported'],
    ['ja', '옛날 옛적에, 한 임금님이 살았습니다.', 'script_unsupported'],
    ['ko', 'Es war einmal ein König', 'script_unsupported'],
    ['crh', 'كان يا ما كان', 'script_unsupported'],
    ['iu', 'Жили-были', 'script_unsupported'],
    ['nan-Latn', '古早古早，有一个皇帝', 'script_unsupported'],
    ['sh', 'כان', 'script_unsupported'],
    ['he', 'Once upon a time', 'script_unsupported'],
    ['fr', 'Il Ã©tait une fois un roi Ã¢gÃ©, trÃ¨s aimÃ©', 'text_encoding_invalid'],
    ['fr', 'DÃ‰JÃ€ VU Ã‰TÃ‰ FRANÃ‡AIS CAFÃ‰', 'text_encoding_invalid'],
    ['pt', 'AMANHÃƒâ€¦ NÃƒO, CORAÃ‡ÃƒO', 'text_encoding_invalid'],
    ['pt', 'O coraÃ§Ã£o da menina nÃ£o dormia', 'text_encoding_invalid'],
    ['de', 'STRÃ–ME, BÃ„UME, GRÃœSSE', 'text_encoding_invalid'],
    ['sv', 'Ã…ngstrÃ¶m pÃ¥ Ã…land', 'text_encoding_invalid'],
    ['en', 'â€œYesâ€\u009d, she said â€” itâ€™s mineâ€¦', 'text_encoding_invalid'],
    ['ru', 'Ð–Ð¸Ð»Ð¸-Ð±Ñ‹Ð»Ð¸ ÑÑ‚Ð°Ñ€Ð¸Ðº', 'text_encoding_invalid'],
    ['en', `On${'\u0301\u0302\u0303\u0304\u0305'.repeat(3)}ce`.repeat(4), 'text_encoding_invalid'],
    ['en', 'Once\u20e3\u20e3 \u0000', 'text_encoding_invalid'],
  ])('in %s: %s is %s', (language, text, code) => {
    expect(check(text, language)).toBe(code);
  });
});
