import type { HostFacts } from '#recipe/remote.ts';
import type { OnOptions } from '#recipe/task-context.ts';
import { UserError } from '#recipe/user-error.ts';

/** How `on` goes through its hosts: groups one after the other, of each at most `atOnce` hosts at a time. */
export interface Batches<T> {
  readonly groups: readonly (readonly T[])[];
  readonly atOnce: number;
}

/** The groups that the options ask for. @throws UserError for a limit that is none */
export const batchesOf = <T extends { readonly host: HostFacts }>(
  hosts: readonly T[],
  options: OnOptions,
): Batches<T> => {
  const chosen = options.once ? hosts.filter((host) => host === primaryOf(hosts)) : hosts;
  const size = sizeOf(options, chosen.length);
  if (options.in !== 'groups' && options.in !== 'sequence')
    return { groups: chosen.length > 0 ? [chosen] : [], atOnce: size };
  const groups = Array.from({ length: Math.ceil(chosen.length / size) }, (_, index) =>
    chosen.slice(index * size, (index + 1) * size),
  );
  return { groups, atOnce: size };
};

/** The host that is marked primary, or else the first (Capistrano's rule). */
export const primaryOf = <T extends { readonly host: HostFacts }>(hosts: readonly T[]): T | undefined =>
  hosts.find(({ host }) => host.primary) ?? hosts[0];

const sizeOf = ({ in: way = 'parallel', limit }: OnOptions, count: number): number => {
  if (way === 'sequence') return 1;
  if (limit === undefined) return way === 'groups' ? 2 : Math.max(1, count);
  const share = String(limit).match(/^(\d+(?:\.\d+)?)%$/)?.[1];
  const size = share === undefined ? Number(limit) : Math.ceil((count * Number(share)) / 100);
  if (share === undefined ? Number.isInteger(size) && size >= 1 : Number(share) > 0) return Math.max(1, size);
  throw new UserError(`limit: ${limit} is neither a number of hosts, as 3, nor a share of them, as '25%'`);
};
