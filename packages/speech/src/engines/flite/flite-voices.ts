import type { Voice } from '../engine.ts';

/** Compiled into the engine. The first is the default; the telephone-rate voice `kal` is left out. */
export const FLITE_VOICES: readonly Voice[] = [
  {
    id: 'slt',
    name: 'Clara',
    languages: ['en-US'],
    gender: 'female',
    accent: 'American',
    remark: 'clear and even',
  },
  {
    id: 'rms',
    name: 'Robert',
    languages: ['en-US'],
    gender: 'male',
    accent: 'American',
    remark: 'low and calm',
  },
  { id: 'awb', name: 'Alasdair', languages: ['en-GB'], gender: 'male', accent: 'Scottish', remark: 'lively' },
  {
    id: 'kal16',
    name: 'Kal',
    languages: ['en-US'],
    gender: 'male',
    accent: 'American',
    remark: 'robotic and very fast',
  },
];
