/** A small change of one source file that breaks a promise, for the simulation to find. */
export interface Bug {
  readonly what: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

/** The source with the bug. @throws Error when the source has changed, so that the bug has to be written again */
export const plant = ({ what, file, from, to }: Bug, source: string): string => {
  const parts = source.split(from);
  if (parts.length !== 2) throw new Error(`${what}: ${file} contains its text ${parts.length - 1} times`);
  return parts.join(to);
};

const DECIDE = 'packages/core/src/story/decide.ts';
const CHANGES = 'packages/core/src/story/changes.ts';
const REQUEST = 'packages/core/src/story/request.ts';
const STORY_AUDIO = 'packages/core/src/story/story-audio.ts';
const DOCUMENTS = 'functions/src/stories/documents.ts';
const OPENING = 'functions/src/stories/opening.ts';
const APPLY = 'functions/src/stories/apply-message.ts';
const OWED = 'functions/src/events/publish-owed.ts';
const EVENT = 'functions/src/events/narration-event.ts';
const OPEN_ATTEMPT = 'functions/src/request/open-attempt.ts';
const DISPATCH = 'functions/src/runpod/dispatch.ts';
const DEAD_LETTER = 'functions/src/runpod/dead-letter.ts';
const WEBHOOK = 'functions/src/runpod/webhook.ts';
const REPORT = 'functions/src/runpod/report.ts';
const SWEEP = 'functions/src/sweep/sweep.ts';
const SWEEP_STORY = 'functions/src/sweep/sweep-story.ts';

/** Bugs that were made, or could be. */
export const BUGS: readonly Bug[] = [
  {
    what: 'a ready of an attempt with the same content does not count',
    file: DECIDE,
    from: '(isCurrent || isOfForeignJob || hasContent);',
    to: '(isCurrent || isOfForeignJob);',
  },
  {
    what: 'a ready of any attempt of ours counts, whatever its content',
    file: DECIDE,
    from: 'attempt.contentHash === story.contentHash;',
    to: 'attempt.contentHash !== undefined;',
  },
  {
    what: 'a story that another app set back keeps its job',
    file: DECIDE,
    from: 'isUnderWay(story.status) && isEnded(current?.status);',
    to: 'isUnderWay(story.status) && current?.status === "cancelled";',
  },
  {
    what: 'a late failure replaces a ready',
    file: DECIDE,
    from: "story.status !== 'ready' && (isCurrent",
    to: "(story.status !== 'ready' || message.kind === 'failed') && (isCurrent",
  },
  {
    what: 'a late ready does not replace a failure',
    file: DECIDE,
    from: "return status === 'ready' ? 'duplicate' : 'moves';",
    to: "return isEnded(status) ? 'duplicate' : 'moves';",
  },
  {
    what: 'a failure of any attempt of ours with the content counts',
    file: DECIDE,
    from: 'mayMove && (isReady || isCurrent || isOfForeignJob);',
    to: 'mayMove;',
  },
  {
    what: 'a message of a foreign job counts in a story of ours',
    file: DECIDE,
    from: 'current === undefined || current.number === 0;',
    to: 'true;',
  },
  {
    what: 'a foreign job that is not the current one does not count',
    file: DECIDE,
    from: 'isForeign && (attempt === undefined || attempt.number === 0);',
    to: 'isForeign && story.jobId === undefined && attempt === undefined;',
  },
  {
    what: "RunPod's id does not name the current job",
    file: DECIDE,
    from: '(message.jobId === jobId || message.jobId === runpodJobId);',
    to: 'message.jobId === jobId;',
  },
  {
    what: 'an end keeps the number of the event before it',
    file: DECIDE,
    from: 'audioEventSequence: story.eventSequence + 1',
    to: 'audioEventSequence: Math.max(1, story.eventSequence)',
  },
  {
    what: 'an address that comes later is not taken',
    file: DECIDE,
    from: 'isReady && isCurrent && story.status',
    to: "isReady && isCurrent && story.status === 'failed' && story.status",
  },
  {
    what: 'a later address replaces the first one',
    file: DECIDE,
    from: 'story.audioUrl === undefined &&\n  message.audioUrl',
    to: 'message.audioUrl',
  },
  {
    what: 'a ready of another file completes a ready without an address',
    file: DECIDE,
    from: 'message.storagePath === story.storagePath);',
    to: 'true);',
  },
  {
    what: 'progress may go back',
    file: CHANGES,
    from: "Math.max(story.status === 'processing' ? (story.progress ?? 0) : 0, message.progress ?? 0)",
    to: 'message.progress ?? 0',
  },
  {
    what: 'a ready keeps the error of the failure before it',
    file: CHANGES,
    from: 'remove: [...audio.remove, ...ERROR_GROUP, ',
    to: 'remove: [...audio.remove, ',
  },
  {
    what: 'a failure keeps its lease',
    file: CHANGES,
    from: 'remove: [...error.remove, ...RUNNING_GROUP, ',
    to: 'remove: [...error.remove, ',
  },
  {
    what: 'a retry keeps the error of the attempt before it',
    file: REQUEST,
    from: 'remove: [...ERROR_GROUP, ',
    to: 'remove: [',
  },
  {
    what: "a new attempt keeps RunPod's id of the one before it",
    file: REQUEST,
    from: "'audioRunpodJobId', ...counted.remove",
    to: '...counted.remove',
  },
  {
    what: 'an attempt is opened without a number',
    file: REQUEST,
    from: '      number: attempt,\n',
    to: '',
  },
  {
    what: 'an attempt is opened without a lease, and the one before it is kept',
    file: REQUEST,
    from: 'audioLeaseExpiresAt: leaseExpiresAt,',
    to: "audioLeaseExpiresAt: new Date('2100-01-01'),",
  },
  {
    what: 'a story is opened without the content that is asked for',
    file: OPENING,
    from: 'audioContentHash: hashes.contentHash, ',
    to: '',
  },
  {
    what: 'a message under the current id at RunPod finds a current job that has ended',
    file: STORY_AUDIO,
    from: 'story.jobId === undefined || (isUnderWay(story.status) && story.leaseExpiresAtMs === undefined)',
    to: 'story.jobId === undefined',
  },
  {
    what: 'an event is not written with its end',
    file: DOCUMENTS,
    from: '...(event === undefined ? {} : { event }),\n    },\n  };\n};\n\n/** What a store writes for RunPod',
    to: '},\n  };\n};\n\n/** What a store writes for RunPod',
  },
  {
    what: "a message that came under RunPod's id before is not taken over",
    file: DOCUMENTS,
    from: 'documents.early && recordedMessage(target.jobId, documents.early);',
    to: 'undefined as ReturnType<typeof recordedMessage>;',
  },
  {
    what: 'a second id at RunPod replaces the first one',
    file: DOCUMENTS,
    from: 'known !== undefined && known !== target.runpodJobId',
    to: 'known === target.runpodJobId',
  },
  {
    what: 'an event gets a new id whenever it is published',
    file: APPLY,
    from: 'await publishNow(event, {',
    to: 'await publishNow({ ...event, id: `${event.id}-again` }, {',
  },
  {
    what: 'an event is settled although it was not published',
    file: OWED,
    from: '    return false;\n',
    to: '    return true;\n',
  },
  {
    what: 'an event is settled before it is published',
    file: OWED,
    from: '    if (await publish(event, options)) void settle(event, options);',
    to: '    await settle(event, options);\n    await publish(event, options);',
  },
  {
    what: 'a published event is not settled by the sweep',
    file: OWED,
    from: 'if (isPublished) await settle(event, options);',
    to: '',
  },
  {
    what: 'an event has the state before the change',
    file: EVENT,
    from: "if (STATUS_OF[kind] === 'ready') return present({ audioUrl,",
    to: "if (STATUS_OF[kind] === 'ready') return present({",
  },
  {
    what: 'a job that the queue did not take does not fail its story',
    file: OPEN_ATTEMPT,
    from: "    await applyMessage({ storyId, jobId, message, source: 'dispatch' }, options);\n",
    to: '',
  },
  {
    what: "an event of a message that was taken over is not published, nor RunPod's id kept",
    file: DISPATCH,
    from: '    await recordRunpodJob(job, outcome.runpodJobId, options);\n',
    to: '',
  },
  {
    what: 'a redelivered job is sent to RunPod again',
    file: DISPATCH,
    from: 'if (!isCurrent || stored.runpodJobId !== undefined) {',
    to: 'if (!isCurrent) {',
  },
  {
    what: 'a dead letter fails the story without its job',
    file: DEAD_LETTER,
    from: 'failureOf(code, { jobId, details })',
    to: 'failureOf(code, { jobId: undefined, details })',
  },
  {
    what: 'a webhook is accepted although Firestore is away',
    file: WEBHOOK,
    from: "    case 'store-away':\n      return AWAY;",
    to: "    case 'store-away':\n      return ACCEPTED;",
  },
  {
    what: 'a completed job is reported as failed',
    file: REPORT,
    from: 'if (ready !== undefined) return ready;',
    to: '',
  },
  {
    what: 'a sweep ends a job that was heard of since it was listed',
    file: SWEEP_STORY,
    from: "if (!isAsSeen(story, audio)) return { kind: 'stale' };",
    to: '',
  },
  {
    what: 'a sweep does not look for audio',
    file: SWEEP_STORY,
    from: 'options.findAudio && jobId !== undefined && (await lookForAudio(story, options.findAudio))',
    to: 'undefined as Verdict | undefined',
  },
  {
    what: 'a sweep passes over stories that another app set to pending',
    file: SWEEP,
    from: '(story) => lease(story, options)',
    to: 'async () => undefined',
  },
  {
    what: 'automatic retries that are due are not made',
    file: SWEEP,
    from: 'if (!isRetryDue(audio, options.now())) return undefined;',
    to: 'if (isRetryDue(audio, options.now())) return undefined;',
  },
  {
    what: 'a silent job is renewed for good',
    file: SWEEP_STORY,
    from: "  if (asked.kind === 'unknown' && mayDoubt) return asked;",
    to: "  if (asked.kind === 'lost') return { kind: 'alive' };",
  },
];
