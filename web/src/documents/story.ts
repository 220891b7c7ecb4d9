import { type ErrorCode, isErrorCode, numberOf, readStoryAudio } from '@taleback/core';
import { type Fields, millisOf, textOf, webAddressOf } from './fields.ts';

/** A story as the page knows it. */
export type Story = Readonly<ReturnType<typeof readStory>>;

/** Why a narration failed: the code that the page has a sentence for, and the sender's own words. */
export interface Failure {
  readonly code: ErrorCode;
  readonly words: string | undefined;
  readonly details: string | undefined;
}

/** What a person writes and edits of a story. */
export interface StoryWords {
  readonly title: string;
  readonly text: string;
}

export const isSameWords = (one: StoryWords, other: StoryWords): boolean =>
  one.title === other.title && one.text === other.text;

/** A new story as a person makes it. */
export interface StoryDraft extends StoryWords {
  readonly language: string;
  readonly voiceId: string;
  readonly voiceName: string;
}

/** Control characters, and those that turn the direction of the text around a title. */
const UNSEEN = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu;

/** Reads a story document; what makes no sense counts as absent. */
export const readStory = (id: string, fields: Fields) => {
  const audio = readStoryAudio(fields);
  const audioUrl = webAddressOf(fields['audioUrl']);
  const { audioErrorCode: code } = fields;
  const failure: Failure = {
    code: isErrorCode(code) ? code : 'unknown',
    words: textOf(fields['audioError']),
    details: textOf(fields['audioErrorDetails']),
  };
  return {
    id,
    title: textOf(textOf(fields['title'])?.replace(UNSEEN, '')) ?? 'Untitled story',
    text: textOf(fields['text']) ?? '',
    /** Language code, such as `en`. */
    language: textOf(fields['language']) ?? 'en',
    voiceId: textOf(fields['voiceId']),
    voiceName: textOf(fields['voiceName']),
    createdAtMs: millisOf(fields['createdAt']),
    audio,
    audioUrl,
    /** True when the narration is kept somewhere, playable here or not. */
    isAudioKept: audioUrl !== undefined || textOf(fields['audioStoragePath']) !== undefined,
    audioDurationMs: numberOf(fields['audioDurationMs']),
    failure: audio.status === 'failed' ? failure : undefined,
  };
};
