/** Status codes of gRPC. @see https://grpc.io/docs/guides/status-codes */
export const GRPC = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  UNIMPLEMENTED: 12,
  UNAUTHENTICATED: 16,
} as const;

/** Of a gRPC error; undefined for any other. */
export const grpcCode = (error: unknown): number | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
};

/** A subscription that is missing and could not be created; the cause says why. */
export class SubscriptionMissingError extends Error {}

/** One sentence about why no jobs come from a subscription, and what to do. */
export const describePubsubFault = (fault: unknown, subscription: string): string => {
  const isMissing = fault instanceof SubscriptionMissingError;
  const error = isMissing ? fault.cause : fault;
  const missing = `The subscription "${subscription}" is missing`;
  switch (grpcCode(error)) {
    case GRPC.PERMISSION_DENIED:
      return isMissing
        ? `${missing}, and the worker may not create it: create it, or grant its account roles/pubsub.editor on the project.`
        : `The worker may not pull from the subscription "${subscription}": grant its account roles/pubsub.subscriber on it, and check that it exists.`;
    case GRPC.NOT_FOUND:
      return isMissing
        ? `${missing}, and so is its topic, which the worker may not create: create it, or grant its account roles/pubsub.editor on the project.`
        : `${missing}.`;
    case GRPC.UNAUTHENTICATED:
      return "Google does not accept the worker's credentials: check GOOGLE_APPLICATION_CREDENTIALS, or the account that it runs as.";
    default: {
      const words = error instanceof Error ? error.message : String(error);
      return isMissing
        ? `${missing}, and could not be created: ${words}`
        : `The subscription "${subscription}" cannot be read: ${words}`;
    }
  }
};
