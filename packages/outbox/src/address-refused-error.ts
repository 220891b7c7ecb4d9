const CODE = 'callback_address_refused';

/** A callback address leads into a network that receivers have no business in. */
export class AddressRefusedError extends Error {
  readonly code = CODE;

  constructor(host: string) {
    super(`callback_url: ${host} is not a public address; ALLOW_PRIVATE_CALLBACKS=on allows it`);
    this.name = 'AddressRefusedError';
  }
}

export const isAddressRefused = (error: unknown): boolean =>
  (error as { code?: unknown } | null | undefined)?.code === CODE;
