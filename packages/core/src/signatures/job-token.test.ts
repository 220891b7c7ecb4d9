import * as fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { jobOfUrl, signJobToken, verifyJobToken, withJob } from './signatures.ts';

const id = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' });
const CALLBACK = 'https://tales.example/api/tts/callback?keep=1#part';

const former = (text: string): string =>
  createHmac('sha256', 'secret').update(`taleback-job-token\n${text}`).digest('base64url');

describe('job token', () => {
  it('is an HMAC-SHA256 over story and job with a derived key, in base64url', () => {
    const key = createHmac('sha256', 'secret').update('taleback job token').digest();
    const expected = createHmac('sha256', key).update('["s1","j1"]').digest('base64url');
    expect(signJobToken('secret', 's1', 'j1')).toBe(expected);
    expect(signJobToken(Buffer.from('secret'), 's1', 'j1')).toBe(expected);
  });

  it('is accepted from any secret that is accepted, and from no other', () => {
    const token = signJobToken('old', 's1', 'j1');
    expect(verifyJobToken(['new', 'old'], 's1', 'j1', token)).toBe(true);
    expect(verifyJobToken(['old', 'new'], 's1', 'j1', token)).toBe(true);
    expect(verifyJobToken(['new'], 's1', 'j1', token)).toBe(false);
    expect(verifyJobToken([], 's1', 'j1', token)).toBe(false);
  });

  it('is of one story and one job', () => {
    fc.assert(
      fc.property(id, id, id, id, (story, job, otherStory, otherJob) => {
        const token = signJobToken('secret', story, job);
        const isSame = story === otherStory && job === otherJob;
        expect(verifyJobToken(['secret'], story, job, token)).toBe(true);
        expect(verifyJobToken(['secret'], otherStory, otherJob, token)).toBe(isSame);
      }),
    );
  });

  it('is not that of other ids with the same text', () => {
    const token = signJobToken('secret', 'a\nb', 'c');
    expect(verifyJobToken(['secret'], 'a\nb', 'c', token)).toBe(true);
    expect(verifyJobToken(['secret'], 'a', 'b\nc', token)).toBe(false);
    expect(verifyJobToken(['secret'], 'a', 'b","c', signJobToken('secret', 'a","b', 'c'))).toBe(false);
  });

  it('of the former kind is accepted while its jobs are under way, unless an id has a line break', () => {
    expect(verifyJobToken(['new', 'secret'], 's1', 'j1', former('s1\nj1'))).toBe(true);
    expect(verifyJobToken(['new'], 's1', 'j1', former('s1\nj1'))).toBe(false);
    expect(verifyJobToken(['secret'], 'a', 'b\nc', former('a\nb\nc'))).toBe(false);
    expect(verifyJobToken(['secret'], 'a\nb', 'c', former('a\nb\nc'))).toBe(false);
  });

  it('survives any token', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (token) => {
        expect(verifyJobToken(['secret'], 's1', 'j1', token)).toBe(false);
      }),
    );
  });
});

describe('the job in an address', () => {
  it('comes back as it went in, and leaves the rest of the address alone', () => {
    fc.assert(
      fc.property(id, id, (story, job) => {
        const url = withJob(CALLBACK, job, signJobToken('secret', story, job));
        expect(jobOfUrl(url, ['secret'], story)).toEqual({ kind: 'verified', jobId: job });
        const { searchParams, pathname, hash } = new URL(url);
        expect([searchParams.get('keep'), pathname, hash]).toEqual(['1', '/api/tts/callback', '#part']);
      }),
    );
  });

  it.each([
    ['no query', CALLBACK, 'none'],
    ['a job without a token', 'https://h.test/?job=j1', 'none'],
    ['an address of another story', withJob(CALLBACK, 'j1', signJobToken('secret', 's2', 'j1')), 'forged'],
    ['a token of another secret', withJob(CALLBACK, 'j1', signJobToken('other', 's1', 'j1')), 'forged'],
    ['a token that is none', 'https://h.test/?job=j1&token=x', 'forged'],
  ])('%s', (_what, url, kind) => {
    expect(jobOfUrl(url, ['secret'], 's1')).toEqual({ kind });
  });
});
