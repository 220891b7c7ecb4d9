import { type Fixture, open } from './fixture.ts';
import { STORY_ID, story } from './fixture-documents.ts';

const MINE = { title: 'The Fox and I', text: 'I saw the fox first.\n\nHe saw the grapes.' };
const { title, text } = story();
const read = { title, text };
const edited = { drafts: { [STORY_ID]: { ...MINE, read } } };

/** States of writing that is not saved. */
export const WRITING_FIXTURES: readonly Fixture[] = [
  open(
    'new-story-draft',
    {},
    { fragment: '#new', drafts: { '': MINE }, words: ['Discard', 'This browser stores nothing'] },
  ),
  open(
    'new-story-replaced',
    {},
    {
      fragment: '#new',
      drafts: { '': MINE },
      presses: ['sample-wind-and-sun'],
      words: ['Replace what you have written?', 'Keep my writing'],
    },
  ),
  open(
    'edit-draft',
    {},
    { ...edited, status: 'none', words: ['Continue editing', 'writing here that is not saved'] },
  ),
  open(
    'edit',
    {},
    { ...edited, status: 'none', presses: ['edit-story'], words: ['Save the story', 'Discard'] },
  ),
  open(
    'edit-conflict',
    { text: 'Another person wrote this about the fox.\n\nIt is quite another story.' },
    {
      ...edited,
      status: 'none',
      presses: ['edit-story'],
      words: ['changed somewhere else', 'quite another story', 'Replace it with mine', 'Discard mine'],
    },
  ),
  open(
    'edit-refused',
    { text: 'Another person wrote this about the fox.' },
    {
      ...edited,
      status: 'none',
      presses: ['edit-story', 'save-story'],
      saveAnswer: { kind: 'conflict', saved: { ...read, text: 'Another person wrote this about the fox.' } },
      words: ['Nothing was overwritten', 'Replace it with mine'],
    },
  ),
];
