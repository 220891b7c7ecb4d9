/** The versions spoken, newest first. @see seed 004: v1.0 current, v2.0 target, v2.1 "future binary protocol support" */
export const PROTOCOL_VERSIONS = ['2.1.0', '2.0.0', '1.0.0'] as const;

export type ProtocolVersion = (typeof PROTOCOL_VERSIONS)[number];

export const isProtocolVersion = (value: unknown): value is ProtocolVersion =>
  PROTOCOL_VERSIONS.some((version) => version === value);

/** The newest version in both lists; undefined when there is none. */
export const newestCommon = (
  ours: readonly ProtocolVersion[],
  theirs: readonly unknown[],
): ProtocolVersion | undefined =>
  PROTOCOL_VERSIONS.find((version) => ours.includes(version) && theirs.includes(version));
