import type { Target } from '#inventory/host.ts';

/** Where a target listens, in words for a person. */
export const where = ({ address, port }: Target): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;
