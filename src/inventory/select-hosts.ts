import { UserError } from '#recipe/user-error.ts';
import type { Inventory } from './host.ts';

/** Which hosts of a stage a run is for; every given condition must hold. */
export interface Selection {
  readonly roles?: readonly string[];
  /** Names or addresses; `*` stands for any characters. */
  readonly hosts?: readonly string[];
  /** `3`, or `25%` rounded up: the first so many. */
  readonly limit?: string;
}

/** @throws UserError when nothing is left (Capistrano: exit 0 without a word), or a role or host that nobody has is asked for */
export const selectHosts = (inventory: Inventory, selection: Selection): Inventory => {
  refuseUnmatched(
    'role',
    selection.roles,
    (role) => inventory.some((host) => host.roles.includes(role)),
    inventory.flatMap((host) => host.roles),
  );
  refuseUnmatched(
    'host',
    selection.hosts,
    (pattern) => inventory.some((host) => matches(pattern, host)),
    inventory.map((host) => host.name),
  );
  const chosen = inventory
    .filter((host) => !selection.roles || host.roles.some((role) => selection.roles?.includes(role)))
    .filter((host) => !selection.hosts || selection.hosts.some((pattern) => matches(pattern, host)));
  if (chosen.length === 0)
    throw new UserError('the selection matches no host: no host has both the roles and the names asked for', 2);
  return chosen.slice(0, limitOf(selection.limit, chosen.length));
};

const refuseUnmatched = (
  what: string,
  asked: readonly string[] | undefined,
  matched: (word: string) => boolean,
  known: readonly string[],
): void => {
  const unmatched = asked?.filter((word) => !matched(word)) ?? [];
  if (unmatched.length === 0) return;
  const names = [...new Set(known)];
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')}, … (${names.length})` : names.join(', ');
  throw new UserError(`the selection matches no host: no ${what} '${unmatched.join("', '")}'. There are: ${shown}`, 2);
};

const matches = (pattern: string, host: { readonly name: string; readonly address: string }): boolean => {
  const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  return expression.test(host.name) || expression.test(host.address);
};

const limitOf = (limit: string | undefined, count: number): number => {
  if (limit === undefined) return count;
  const match = limit.match(/^(\d+)(%?)$/);
  const number = match?.[2] === '%' ? Math.ceil((count * Number(match[1])) / 100) : Number(match?.[1]);
  if (!match || number < 1)
    throw new UserError(`--limit ${limit}: write a number of hosts, as 3, or a share of them, as 25%`, 2);
  return number;
};
