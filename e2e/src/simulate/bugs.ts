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

/** Bugs that were made, or could be, by the file that has them. */
const BUGS_OF: Readonly<Record<string, readonly Omit<Bug, 'file'>[]>> = {
  'packages/core/src/story/decide.ts': [
    {
      what: 'a ready of an attempt with the same content does not count',
      from: '(isCurrent || isOfForeignJob || hasContent);',
      to: '(isCurrent || isOfForeignJob);',
    },
    {
      what: 'a ready of any attempt of ours counts, whatever its content',
      from: 'attempt.contentHash === story.contentHash;',
      to: 'attempt.contentHash !== undefined;',
    },
    {
      what: 'a story that another app set back keeps its job',
      from: 'isUnderWay(story.status) && isEnded(current?.status);',
      to: 'isUnderWay(story.status) && current?.status === "cancelled";',
    },
    {
      what: 'a late failure replaces a ready',
      from: "story.status !== 'ready' && (isCurrent",
      to: "(story.status !== 'ready' || message.kind === 'failed') && (isCurrent",
    },
    {
      what: 'a late ready does not replace a failure',
      from: "return status === 'ready' ? 'duplicate' : 'moves';",
      to: "return isEnded(status) ? 'duplicate' : 'moves';",
    },
    {
      what: 'a failure of any attempt of ours with the content counts',
      from: 'mayMove && (isReady || isCurrent || isOfForeignJob);',
      to: 'mayMove;',
    },
    {
      what: 'a message of a foreign job counts in a story of ours',
      from: 'current === undefined || current.number === 0;',
      to: 'true;',
    },
    {
      what: 'a foreign job that is not the current one does not count',
      from: 'isForeign && (attempt === undefined || attempt.number === 0);',
      to: 'isForeign && story.jobId === undefined && attempt === undefined;',
    },
    {
      what: "RunPod's id does not name the current job",
      from: '(message.jobId === jobId || message.jobId === runpodJobId);',
      to: 'message.jobId === jobId;',
    },
    {
      what: 'an end keeps the number of the event before it',
      from: 'audioEventSequence: story.eventSequence + 1',
      to: 'audioEventSequence: Math.max(1, story.eventSequence)',
    },
    {
      what: 'an address that comes later is not taken',
      from: 'isReady && isCurrent && story.status',
      to: "isReady && isCurrent && story.status === 'failed' && story.status",
    },
    {
      what: 'a later address replaces the first one',
      from: 'story.audioUrl === undefined &&\n  message.audioUrl',
      to: 'message.audioUrl',
    },
    {
      what: 'a ready of another file completes a ready without an address',
      from: 'message.storagePath === story.storagePath);',
      to: 'true);',
    },
    {
      what: 'a ready of an attempt without a content hash counts in a story without one',
      from: 'story.contentHash !== undefined &&',
      to: '',
    },
    {
      what: 'an attempt without a content hash has any content',
      from: 'attempt.contentHash === story.contentHash;',
      to: '(attempt.contentHash ?? story.contentHash) === story.contentHash;',
    },
    {
      what: 'a cancel forgets the end before the attempt',
      from: '{ ...story.lastEnd, ...current.before }',
      to: 'story.lastEnd',
    },
    {
      what: 'a cancel forgets the audio that an attempt of an older release does not name',
      from: '{ ...story.lastEnd, ...current.before }',
      to: 'current.before',
    },
    {
      what: 'a cancelled story keeps its job',
      from: "[...NO_JOB.remove, 'audioStatus', ",
      to: "['audioStatus', ",
    },
  ],
  'packages/core/src/story/story-audio.ts': [
    {
      what: 'a cancelled attempt is read as one without a status',
      from: "fields['status'] === 'cancelled' ? 'cancelled' : statusOf",
      to: 'statusOf',
    },
    {
      what: 'a message under the current id at RunPod finds a current job that has ended',
      from: 'story.jobId === undefined || (isUnderWay(story.status) && story.leaseExpiresAtMs === undefined)',
      to: 'story.jobId === undefined',
    },
  ],
  'packages/core/src/story/changes.ts': [
    {
      what: 'progress may go back',
      from: "Math.max(story.status === 'processing' ? (story.progress ?? 0) : 0, message.progress ?? 0)",
      to: 'message.progress ?? 0',
    },
    {
      what: 'a ready keeps the error of the failure before it',
      from: 'remove: [...audio.remove, ...ERROR_GROUP, ',
      to: 'remove: [...audio.remove, ',
    },
    {
      what: 'a failure keeps its lease',
      from: 'remove: [...error.remove, ...RUNNING_GROUP, ',
      to: 'remove: [...error.remove, ',
    },
  ],
  'packages/core/src/story/request.ts': [
    {
      what: 'a retry keeps the error of the attempt before it',
      from: 'remove: [...ERROR_GROUP, ',
      to: 'remove: [',
    },
    {
      what: "a new attempt keeps RunPod's id of the one before it",
      from: "'audioRunpodJobId', ...counted.remove",
      to: '...counted.remove',
    },
    {
      what: 'an attempt is opened without a number',
      from: '      number: attempt,\n',
      to: '',
    },
    {
      what: 'an attempt is opened without a lease, and the one before it is kept',
      from: 'audioLeaseExpiresAt: leaseExpiresAt,',
      to: "audioLeaseExpiresAt: new Date('2100-01-01'),",
    },
  ],
  'functions/src/stories/opening.ts': [
    {
      what: 'a story is opened without the content that is asked for',
      from: 'audioContentHash: hashes.contentHash, ',
      to: '',
    },
  ],
  'functions/src/stories/documents.ts': [
    {
      what: 'an event is not written with its end',
      from: '...(event === undefined ? {} : { event }),\n    },\n  };\n};\n\n/** What a store writes for RunPod',
      to: '},\n  };\n};\n\n/** What a store writes for RunPod',
    },
    {
      what: "a message that came under RunPod's id before is not taken over",
      from: 'documents.early && recordedMessage(target.jobId, documents.early);',
      to: 'undefined as ReturnType<typeof recordedMessage>;',
    },
    {
      what: 'a second id at RunPod replaces the first one',
      from: 'known !== undefined && known !== target.runpodJobId',
      to: 'known === target.runpodJobId',
    },
  ],
  'functions/src/stories/apply-message.ts': [
    {
      what: 'an event gets a new id whenever it is published',
      from: 'await publishNow(event, {',
      to: 'await publishNow({ ...event, id: `${event.id}-again` }, {',
    },
  ],
  'functions/src/events/publish-owed.ts': [
    {
      what: 'an event is settled although it was not published',
      from: '    return false;\n',
      to: '    return true;\n',
    },
    {
      what: 'an event is settled before it is published',
      from: '    if (await publish(event, options)) void settle(event, options);',
      to: '    await settle(event, options);\n    await publish(event, options);',
    },
    {
      what: 'a published event is not settled by the sweep',
      from: 'if (isPublished) await settle(event, options);',
      to: '',
    },
  ],
  'functions/src/events/narration-event.ts': [
    {
      what: 'an event has the state before the change',
      from: "if (STATUS_OF[kind] === 'ready') return present({ audioUrl,",
      to: "if (STATUS_OF[kind] === 'ready') return present({",
    },
  ],
  'functions/src/request/open-attempt.ts': [
    {
      what: 'a job that the queue did not take does not fail its story',
      from: "    await applyMessage({ storyId, jobId, message, source: 'dispatch' }, options);\n",
      to: '',
    },
  ],
  'functions/src/runpod/dispatch.ts': [
    {
      what: "an event of a message that was taken over is not published, nor RunPod's id kept",
      from: '    await recordRunpodJob(job, outcome.runpodJobId, options);\n',
      to: '',
    },
    {
      what: 'a redelivered job is sent to RunPod again',
      from: ' || stored.runpodJobId !== undefined) {',
      to: ') {',
    },
  ],
  'functions/src/runpod/dead-letter.ts': [
    {
      what: 'a dead letter fails the story without its job',
      from: 'failureOf(code, { jobId, details })',
      to: 'failureOf(code, { jobId: undefined, details })',
    },
  ],
  'functions/src/runpod/webhook.ts': [
    {
      what: 'a webhook is accepted although Firestore is away',
      from: "    case 'store-away':\n      return AWAY;",
      to: "    case 'store-away':\n      return ACCEPTED;",
    },
  ],
  'functions/src/runpod/report.ts': [
    {
      what: 'a completed job is reported as failed',
      from: 'if (ready !== undefined) return ready;',
      to: '',
    },
  ],
  'functions/src/sweep/sweep-story.ts': [
    {
      what: 'a sweep ends a job that was heard of since it was listed',
      from: "if (!isAsSeen(story, audio)) return { kind: 'stale' };",
      to: '',
    },
    {
      what: 'a sweep does not look for audio',
      from: 'options.findAudio && jobId !== undefined && (await lookForAudio(story, options.findAudio))',
      to: 'undefined as Verdict | undefined',
    },
    {
      what: 'a silent job is renewed for good',
      from: "  if (asked.kind === 'unknown' && mayDoubt) return asked;",
      to: "  if (asked.kind === 'lost') return { kind: 'alive' };",
    },
  ],
  'functions/src/sweep/sweep.ts': [
    {
      what: 'a sweep passes over stories that another app set to pending',
      from: '(story) => lease(story, options)',
      to: 'async () => undefined',
    },
    {
      what: 'automatic retries that are due are not made',
      from: 'if (!isRetryDue(audio, options.now())) return undefined;',
      to: 'if (isRetryDue(audio, options.now())) return undefined;',
    },
  ],
};

export const BUGS: readonly Bug[] = Object.entries(BUGS_OF).flatMap(([file, bugs]) =>
  bugs.map((bug) => ({ ...bug, file })),
);
