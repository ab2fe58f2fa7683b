import { networkInterfaces } from 'node:os';
import type { Surroundings } from '#protocol/control.ts';

/** What this host knows of its place in the network; `connection` is what sshd says in SSH_CONNECTION. */
export const lookAround = (connection: string | undefined): Surroundings => {
  const [client, , server] = (connection ?? '').split(' ');
  const addresses = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address),
  );
  return { addresses, ...(client && server ? { ssh: { client, server } } : {}) };
};
