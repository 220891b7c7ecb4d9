/** A short story to begin with. */
export interface Sample {
  readonly slug: string;
  readonly title: string;
  readonly text: string;
}

/** Fables of Aesop, retold from translations in the public domain (G. F. Townsend 1867, V. S. Vernon Jones 1912). */
export const SAMPLES: readonly Sample[] = [
  {
    slug: 'fox-and-grapes',
    title: 'The Fox and the Grapes',
    text: `A hungry fox saw clusters of ripe grapes hanging from a vine that was trained along a high trellis. He jumped as high as he could to reach them, again and again, but they were always just out of his grasp.

At last he gave up and walked away with his nose in the air. “I thought those grapes were ripe,” he said, “but I see now that they are quite sour.”`,
  },
  {
    slug: 'tortoise-and-hare',
    title: 'The Tortoise and the Hare',
    text: `A hare was making fun of a tortoise for being so slow. “Let us run a race,” said the tortoise, “and I will wager that I win.” The hare laughed and agreed.

They set off, and the hare was soon so far ahead that he lay down to take a nap. The tortoise plodded on without a pause, and in time she passed the sleeping hare. When he woke he ran as fast as he could, only to find the tortoise resting at the winning post. Slow and steady wins the race.`,
  },
  {
    slug: 'wind-and-sun',
    title: 'The North Wind and the Sun',
    text: `The North Wind and the Sun quarrelled about which of them was the stronger, until they saw a traveller on the road and agreed that whoever could make him take off his cloak should be the winner.

The North Wind blew with all his might, but the harder he blew, the closer the man drew the cloak around him. Then the Sun came out and shone, gently at first and then more warmly, and soon the traveller took off his cloak and carried it on his arm. Persuasion is better than force.`,
  },
  {
    slug: 'crow-and-pitcher',
    title: 'The Crow and the Pitcher',
    text: `A thirsty crow found a pitcher with some water in it, but so little that, try as she might, she could not reach it with her beak.

Then a thought came to her. She picked up a pebble and dropped it into the pitcher, and then another, and another. With each pebble the water rose a little higher, until it stood at the brim and the clever bird could drink. Necessity is the mother of invention.`,
  },
];
