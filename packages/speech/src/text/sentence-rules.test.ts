import { describe, expect, test } from 'vitest';
import { clauseBreaks, sentenceBreaks, wordBreaks } from './sentence-breaks.ts';

const cut = (text: string, breaks: readonly number[]): string =>
  breaks.map((end, index) => text.slice(index === 0 ? 0 : breaks[index - 1], end).trim()).join('|');

describe('sentenceBreaks', () => {
  test.each([
    ['de', 'Am 3. Oktober kam er. Dann ging er.', 'Am 3. Oktober kam er.|Dann ging er.'],
    ['de', 'Tiere, z. B. Hunde, u. a. Katzen. Ja.', 'Tiere, z. B. Hunde, u. a. Katzen.|Ja.'],
    ['de', 'Im 19. Jahrhundert, d.h. Damals. Gut.', 'Im 19. Jahrhundert, d.h. Damals.|Gut.'],
    ['de', 'Ludwig XIV. Er war König.', 'Ludwig XIV. Er war König.'],
    ['de', 'Es war 1989. Die Mauer fiel.', 'Es war 1989.|Die Mauer fiel.'],
    ['de', '„Komm!“ Sie rief. »Nein.« Er ging.', '„Komm!“|Sie rief.|»Nein.«|Er ging.'],
    ['de-AT', 'Hr. Dr. Huber bzw. Fr. Mag. Moser', 'Hr. Dr. Huber bzw. Fr. Mag.|Moser'],
    ['fr', 'M. Dupont et Mme. Roux arrivent. Bien.', 'M. Dupont et Mme. Roux arrivent.|Bien.'],
    ['fr', '« Oui ! » Il rit. « Non. » Elle part.', '« Oui ! »|Il rit.|« Non. »|Elle part.'],
    ['fr', 'Il y en a. Puis rien.', 'Il y en a.|Puis rien.'],
    ['es', 'Frutas, p. ej. Manzanas. ¿Sí? ¡No!', 'Frutas, p. ej. Manzanas.|¿Sí?|¡No!'],
    ['es', 'La Sra. Ruiz vio EE. UU. Ud. Sabe.', 'La Sra. Ruiz vio EE. UU. Ud. Sabe.'],
    ['es', 'Cuesta 3.50 o 1.000 hoy. Bueno.', 'Cuesta 3.50 o 1.000 hoy.|Bueno.'],
    ['it', 'Il Sig. Rossi e la Dott.ssa Bo. Ecco.', 'Il Sig. Rossi e la Dott.ssa Bo.|Ecco.'],
    ['it', 'Dov’è. Ecco.', 'Dov’è.|Ecco.'],
    ['pt-BR', 'O Sr. Silva e a Sra. Reis. Pois é. Sim.', 'O Sr. Silva e a Sra. Reis.|Pois é.|Sim.'],
    ['nl', 'Dhr. Jansen bijv. Jan kwam. Ja.', 'Dhr. Jansen bijv. Jan kwam.|Ja.'],
    ['sv', 'Kl. Tre, t.ex. Idag. Bra.', 'Kl. Tre, t.ex. Idag.|Bra.'],
    ['nb', 'Den 17. Mai kom hr. Dahl. Hurra!', 'Den 17. Mai kom hr. Dahl.|Hurra!'],
    ['fi', '”Tule!” Hän lähti 3. Luokalle. Niin.', '”Tule!”|Hän lähti 3. Luokalle.|Niin.'],
    ['pl', 'To np. Anna. Ks. Jan i św. Piotr.', 'To np. Anna.|Ks. Jan i św. Piotr.'],
    ['cs', 'Např. Petr, tj. Pavel. A dost.', 'Např. Petr, tj. Pavel.|A dost.'],
    ['hu', 'Pl. Anna, ifj. Kovács 3. Osztály. Jó.', 'Pl. Anna, ifj. Kovács 3. Osztály.|Jó.'],
    ['tr', 'Sn. Kaya 3. Sınıfta. Güzel.', 'Sn. Kaya 3. Sınıfta.|Güzel.'],
    ['ru', 'Он жил в г. Туле, т. е. Там. Это я. Да.', 'Он жил в г. Туле, т. е. Там.|Это я.|Да.'],
    ['ru', 'А. С. Пушкин писал. «Да!» Он ушёл…', 'А. С. Пушкин писал.|«Да!»|Он ушёл…'],
    ['uk', 'У м. Києві, напр. Тут. Так.', 'У м. Києві, напр. Тут.|Так.'],
    ['el', 'Τι κάνεις; Καλά. Ο κ. Νίκος, π.χ. Εδώ.', 'Τι κάνεις;|Καλά.|Ο κ. Νίκος, π.χ. Εδώ.'],
    ['ar', 'من أنت؟ أنا د. أحمد. نعم!', 'من أنت؟|أنا د. أحمد.|نعم!'],
    ['fa', 'کیستی؟ منم. بله…', 'کیستی؟|منم.|بله…'],
    ['ur', 'یہ کیا ہے؟ ایک دن۔ پھر۔', 'یہ کیا ہے؟|ایک دن۔|پھر۔'],
    ['he', 'מי זה? זה אני. כן!', 'מי זה?|זה אני.|כן!'],
    ['hi', 'डॉ. राम आए। वे कौन हैं? हाँ॥', 'डॉ. राम आए।|वे कौन हैं?|हाँ॥'],
    ['bn', 'সে এল। কে সে? হ্যাঁ।', 'সে এল।|কে সে?|হ্যাঁ।'],
    ['hy', 'Նա եկավ։ Ով է։', 'Նա եկավ։|Ով է։'],
    ['am', 'ሰላም ነው። አዎ።', 'ሰላም ነው።|አዎ።'],
    ['zh', '他说：“走吧！”我们走了。好!对?嗯', '他说：“走吧！”|我们走了。|好!|对?|嗯'],
    ['zh', '圆周率是3.14。对吗？', '圆周率是3.14。|对吗？'],
    ['ja', '「行こう！」と言った。彼は（笑）去った。', '「行こう！」と言った。|彼は（笑）去った。'],
    ['ja', '「おはよう。」彼女は笑った。', '「おはよう。」|彼女は笑った。'],
    ['ko', '옛날에 왕이 살았다. 그는 말했다. "가자!"', '옛날에 왕이 살았다.|그는 말했다.|"가자!"'],
    ['my', 'သူလာတယ်။ ဘယ်သူလဲ။', 'သူလာတယ်။|ဘယ်သူလဲ။'],
    ['th', 'เขามา! แล้วไป', 'เขามา!|แล้วไป'],
  ])('%s: %s', (language, text, expected) => {
    expect(cut(text, sentenceBreaks(text, language))).toBe(expected);
  });

  test.each(['en', 'en-GB', 'tlh', '', '__proto__', 'constructor', 'x-private'])(
    'knows English for %j',
    (language) => {
      const text = 'Mr. Finn came. It was I. No. 5 sat. The 3. She left.';
      expect(sentenceBreaks(text, language)).toEqual(sentenceBreaks(text));
    },
  );
});

describe('clauseBreaks', () => {
  test.each([
    ['zh', '天黑了，风停了；他走了、跑了：好', '天黑了，|风停了；|他走了、|跑了：|好'],
    ['ja', '昔、あるところに、王がいた', '昔、|あるところに、|王がいた'],
    ['ar', 'جاء، ثم ذهب؛ وعاد', 'جاء،|ثم ذهب؛|وعاد'],
    ['el', 'Ήρθε, είδε· νίκησε; Ναι', 'Ήρθε,|είδε·|νίκησε; Ναι'],
    ['th', 'เขามา แล้วไป', 'เขามา|แล้วไป'],
    ['am', 'መጣ፣ ሄደ፤ አለ', 'መጣ፣|ሄደ፤|አለ'],
  ])('%s: %s', (language, text, expected) => {
    expect(cut(text, clauseBreaks(text, language))).toBe(expected);
  });
});

describe('wordBreaks', () => {
  test.each([
    ['fr', 'Quoi ? Rien : « Oui »', 'Quoi ?|Rien :|«|Oui »'],
    ['th', 'กาลครั้งหนึ่ง นานมาแล้ว', 'กาล|ครั้ง|หนึ่ง|นาน|มา|แล้ว'],
    ['zh', '我们今天去学校。', '我们|今天|去|学校。'],
    ['ja', '東京へ行く。', '東京|へ|行く。'],
  ])('%s: %s', (language, text, expected) => {
    expect(cut(text, wordBreaks(text, language))).toBe(expected);
  });
});
