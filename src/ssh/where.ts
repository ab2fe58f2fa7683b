import type { Target } from '#inventory/host.ts';

/** Where a target listens, in words for a person. */
export const where = ({ address, port }: Target): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** Everybody that is logged in to on the way to a target, and itself at the end. */
export const wayTo = (target: Target): Target[] => [...(target.ssh.via ? wayTo(target.ssh.via) : []), target];
