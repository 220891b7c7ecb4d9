import { describe, expect, it } from 'vitest';
import { listKeys } from './s3.node.ts';
import { parseKeyPage } from './s3-answers.ts';

const page = (content: string): Buffer =>
  Buffer.from(
    `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content}</ListBucketResult>`,
  );
const entry = (key: string): string =>
  `<Contents><ETag>"1"</ETag>\n<Key>${key}</Key><Size>2</Size></Contents>`;

describe('a page of keys', () => {
  it('is read as it was before XML wrote it', () => {
    const body = page(
      `<Prefix>a</Prefix>${entry('a/b&amp;amp;c')}${entry('a/&lt;&quot;&#39;&#x44f;&nope;')}`,
    );
    expect(parseKeyPage(body)).toEqual({ keys: ['a/b&amp;c', 'a/<"\'я&nope;'], next: undefined });
  });

  it('names the next one only when it was cut', () => {
    const token = '<NextContinuationToken>1/a+b=&amp;</NextContinuationToken>';
    expect(parseKeyPage(page(`<IsTruncated>true</IsTruncated>${token}`))?.next).toBe('1/a+b=&');
    expect(parseKeyPage(page(`<IsTruncated>false</IsTruncated>${token}`))?.next).toBeUndefined();
  });

  it.each(['', '<html>hello</html>', '<ListBucketResult><Contents>', '{}'])('is not %j', (text) => {
    expect(parseKeyPage(Buffer.from(text))).toBeUndefined();
  });
});

describe('all keys', () => {
  it('are asked for page by page', async () => {
    const pages = [
      page(`<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>${entry('p/1')}`),
      page(`<IsTruncated>false</IsTruncated>${entry('p/2')}`),
    ];
    const asked: unknown[] = [];
    const askPage = async (query: unknown) => {
      asked.push(query);
      return parseKeyPage(pages.shift() ?? page('')) ?? { keys: [], next: undefined };
    };
    expect(await listKeys(askPage, 'p/')).toEqual(['p/1', 'p/2']);
    expect(asked).toEqual([
      { 'list-type': '2', prefix: 'p/' },
      { 'list-type': '2', prefix: 'p/', 'continuation-token': 't1' },
    ]);
  });
});
