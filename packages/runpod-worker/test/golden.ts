import type { Line } from './transcript.ts';

/**
 * What RunPod's Python SDK 1.12.0 said to a scripted platform, normalised: its takes, results and chunks in order. The
 * worker id is `pod7`, every address carries `?gpu=X`.
 */
const TAKE: Line = ['GET /v2/ep/job-take/pod7?gpu=X&job_in_progress=0'];
const done = (jobId: string, json: unknown, isStream = false): Line => [
  `POST /v2/ep/job-done/pod7/${jobId}?gpu=X&isStream=${isStream}`,
  json,
];
const chunk = (json: unknown): Line => ['POST /v2/ep/job-stream/pod7/j1?gpu=X&isStream=false', json];

export const GOLDEN = {
  'one job, then 400, then 429': [TAKE, done('j1', { output: { ok: 1, t: 'hé' } }), TAKE, TAKE, TAKE],
  'a batch of two': [
    ['GET /v2/ep/job-take-batch/pod7?gpu=X&batch_size=2&job_in_progress=0'],
    done('j1', { output: 1 }),
    done('j2', { output: 2 }),
  ],
  'three at once with one running': [
    ['GET /v2/ep/job-take-batch/pod7?gpu=X&batch_size=3&job_in_progress=0'],
    ['GET /v2/ep/job-take/pod7?gpu=X&job_in_progress=1'],
  ],
  'a handler that throws': [
    TAKE,
    done('j1', {
      error: {
        error_type: "<class 'ValueError'>",
        error_message: 'no such voice',
        error_traceback: 'Traceback ...',
        hostname: 'pod7-host',
        worker_id: 'pod7',
        runpod_version: 'V',
      },
    }),
    TAKE,
  ],
  'progress and return back to back': [
    TAKE,
    done('j1', { output: { ok: 1 } }),
    done('j1', { status: 'IN_PROGRESS', output: { pct: 50 } }),
    TAKE,
  ],
  'a generator': [
    TAKE,
    chunk({ output: { a: 1 } }),
    chunk({ output: { b: 2 } }),
    done('j1', { output: [] }, true),
    TAKE,
  ],
  'a generator that is aggregated': [
    TAKE,
    chunk({ output: { a: 1 } }),
    chunk({ output: { b: 2 } }),
    done('j1', { output: [{ a: 1 }, { b: 2 }] }, true),
    TAKE,
  ],
  'a generator that yields an error': [
    TAKE,
    chunk({ output: { a: 1 } }),
    done('j1', { error: "{'code': 7}" }, true),
    TAKE,
  ],
  'an error that is an object': [TAKE, done('j1', { output: { detail: 'x' }, error: { code: 1 } }), TAKE],
  refresh_worker: [TAKE, done('j1', { output: { detail: 'x' }, error: 'e1', stopPod: true }), TAKE],
  'a result answered 500 three times': [
    TAKE,
    done('j1', { output: 1 }),
    done('j1', { output: 1 }),
    done('j1', { output: 1 }),
    TAKE,
  ],
  'a result answered 429': [TAKE, done('j1', { output: 1 }), TAKE],
  'a result whose connection is cut': [TAKE, done('j1', { output: 1 }), TAKE],
  'a job that is stopped': [TAKE, TAKE],
  'a batch with an entry without id': [
    ['GET /v2/ep/job-take-batch/pod7?gpu=X&batch_size=3&job_in_progress=0'],
  ],
  'a job of the last poll after SIGTERM': [TAKE],
  'SIGTERM while a job runs': [TAKE, done('j1', { output: 'late' })],
} as const satisfies Record<string, readonly Line[]>;

export type ScenarioName = keyof typeof GOLDEN;
