export interface RestAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Firestore's REST interface as somebody who writes requests by hand calls it. */
export type RestCall = (method: string, path: string, body?: unknown) => Promise<RestAnswer>;

/** A project of the emulator. */
interface Project {
  readonly projectId: string;
}

const encode = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** A token as the emulator takes it: without a signature. `claims` are whatever a custom token may carry. */
export const tokenOf = (uid: string, projectId: string, claims: Record<string, unknown>): string => {
  const issuedAt = Math.floor(Date.now() / 1000);
  const payload = {
    ...claims,
    sub: uid,
    user_id: uid,
    aud: projectId,
    iss: `https://securetoken.google.com/${projectId}`,
    iat: issuedAt,
    exp: issuedAt + 3_600,
  };
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(payload)}.`;
};

/**
 * @param uid who calls; undefined for somebody who is not signed in
 * @returns a call whose paths begin after `/documents`, such as `/stories/s` or `:commit`
 */
export const restAs = (
  project: Project,
  uid: string | undefined,
  claims: Record<string, unknown> = { firebase: { sign_in_provider: 'custom' } },
): RestCall => {
  const host = process.env['FIRESTORE_EMULATOR_HOST'];
  const { projectId } = project;
  const root = `http://${host}/v1/projects/${projectId}/databases/(default)/documents`;
  const signedIn = uid === undefined ? {} : { authorization: `Bearer ${tokenOf(uid, projectId, claims)}` };
  return async (method, path, body) => {
    const answer = await fetch(`${root}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...signedIn },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
};

/** The full name of a document, as REST bodies want it. */
export const nameOf = (project: Project, path: string): string =>
  `projects/${project.projectId}/databases/(default)/documents/${path}`;
