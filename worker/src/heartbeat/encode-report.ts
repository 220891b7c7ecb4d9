import { MAX_REPORTED_ENGINES, MAX_REPORTED_VOICES } from '@taleback/core';
import type { EnginesPayload } from './engines-picture.ts';

/** The receiver takes bodies of 262,144 bytes; the rest is for whatever stands before it. */
const MAX_REPORT_BYTES = 250_000;

/** The same report with at most so many voices, shared out in the order of the engines. */
const withVoices = (payload: EnginesPayload, maxVoices: number): EnginesPayload => {
  let room = maxVoices;
  const engines = payload.engines.slice(0, MAX_REPORTED_ENGINES).map((engine) => {
    const voices = engine.voices.slice(0, room);
    room -= voices.length;
    return { ...engine, voices };
  });
  return { ...payload, engines };
};

/** A report as bytes that the receiver takes: of voices without end the first ones are told. */
export const encodeReport = (payload: EnginesPayload): Uint8Array => {
  for (let maxVoices = MAX_REPORTED_VOICES; ; maxVoices = Math.floor(maxVoices / 2)) {
    const body = Buffer.from(JSON.stringify(withVoices(payload, maxVoices)));
    if (body.byteLength <= MAX_REPORT_BYTES || maxVoices === 0) return body;
  }
};
