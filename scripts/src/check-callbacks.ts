import { deriveErrorCallbackUrl, isRecord, parseJson } from '@taleback/core';
import { runScript, sentenceOf } from './command-line.ts';
import checks from './check-callbacks.json' with { type: 'json' };
import { findReceiver, RECEIVER_OPTIONS, type Receiver } from './receiver.ts';

/** `errorAddresses`: @see docs/origins.md#error-callback-url */
const { trials, errorAddresses } = checks;

const USAGE = `Tries a callback receiver: endpoint, validation of payloads, construction of addresses.

  npm run check-callbacks -- [--url http://127.0.0.1:5000] [--story ID] [--secret whsec_...]

  --url URL      base address, without /api/tts; default that of the stack which npm start runs
  --story ID     a story to fail for real; without it an unknown story is used and nothing changes
  --secret KEY   default the stack's for an address of the running stack, else the first of CALLBACK_SECRETS; none sends
                 unsigned
`;

/** A callback to post, the status it has to be answered with, and the field that the answer has to name. */
interface Trial {
  readonly name: string;
  readonly route: string;
  readonly body: object;
  readonly status: number;
  readonly names: string;
}

/** With an unknown story, so that trying the endpoint changes nothing; the first may name one to fail for real. */
const trialsOf = (storyId: string | undefined): readonly Trial[] => {
  const [first, ...others]: readonly Trial[] = trials;
  if (first === undefined || storyId === undefined) return trials;
  const name = `endpoint: the story "${storyId}" is failed`;
  return [{ ...first, name, status: 200, body: { ...first.body, story_id: storyId } }, ...others];
};

/** What the sentence in an answer says; the beginning of an answer that is not ours. */
const sentenceIn = (text: string): string => {
  const body = parseJson(text);
  if (body === undefined) return text.slice(0, 100);
  return isRecord(body) && typeof body['error'] === 'string' ? body['error'] : '';
};

/** What is wrong with the receiver's answer; undefined when it is right. */
const faultOf = async (trial: Trial, receiver: Receiver): Promise<string | undefined> => {
  const url = `${receiver.url.replace(/\/+$/, '')}/api/tts/${trial.route}`;
  try {
    const answer = await receiver.post(url, JSON.stringify(trial.body));
    const sentence = sentenceIn(await answer.text());
    if (answer.status !== trial.status)
      return `answered ${answer.status} (${sentence}) instead of ${trial.status}`;
    return sentence.includes(trial.names)
      ? undefined
      : `the sentence "${sentence}" does not name ${trial.names}`;
  } catch (error) {
    return sentenceOf(error);
  }
};

const options = { ...RECEIVER_OPTIONS, story: { type: 'string' } } as const;

await runScript({ usage: USAGE, options }, async (flags) => {
  const receiver = await findReceiver(flags, 'pageUrl');
  let failures = 0;
  const report = (name: string, fault: string | undefined): void => {
    failures += Number(fault !== undefined);
    process.stdout.write(fault === undefined ? `ok      ${name}\n` : `FAILED  ${name}: ${fault}\n`);
  };
  for (const trial of trialsOf(flags.story)) report(trial.name, await faultOf(trial, receiver));
  for (const [from, to] of Object.entries(errorAddresses)) {
    const derived = deriveErrorCallbackUrl(from);
    report(`URL construction: ${from}`, derived === to ? undefined : `gives ${derived} instead of ${to}`);
  }
  process.stdout.write(failures === 0 ? 'All is well.\n' : `${failures} of the checks failed.\n`);
  return failures === 0 ? 0 : 1;
});
