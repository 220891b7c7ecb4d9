import { expect, test } from 'vitest';
import { htmlOptions } from './coqui-wire.ts';

const PAGE = `<select id="speaker_id" name=speaker_id method="GET">
  <option value="ED
" SELECTED>ED
</option>" <option value="O&#39;Neill &amp; &lt;x&gt; &#34;&unknown;" SELECTED>x</option>
</select><select class="wide" id="language_id"><option value="zh-cn">zh-cn</option></select>`;

test.each([
  ['speaker_id', ['ED\n', 'O\'Neill & <x> "&unknown;']],
  ['language_id', ['zh-cn']],
  ['style_wav', []],
])('the choices of %s', (id, values) => {
  expect(htmlOptions(PAGE, id)).toEqual(values);
});
