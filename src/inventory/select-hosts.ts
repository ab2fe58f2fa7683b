import { UserError } from '#recipe/user-error.ts';
import type { Inventory } from './host.ts';

/** Which hosts of a stage a run is for; every given condition must hold. */
export interface Selection {
  readonly roles?: readonly string[];
  /** Names or addresses; `*` stands for any characters, and a leading `!` leaves hosts out. */
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
    (pattern) => inventory.some((host) => matches(pattern.replace(/^!/, ''), host)),
    inventory.map((host) => host.name),
  );
  const chosen = inventory
    .filter((host) => !selection.roles || host.roles.some((role) => selection.roles?.includes(role)))
    .filter((host) => isAsked(host, selection.hosts ?? []));
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

type Named = { readonly name: string; readonly address: string };

/** One of the names asked for, or any where only names to leave out are given; and none of those. */
const isAsked = (host: Named, patterns: readonly string[]): boolean => {
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'));
  const unwanted = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  if (unwanted.some((pattern) => matches(pattern, host))) return false;
  return wanted.length === 0 || wanted.some((pattern) => matches(pattern, host));
};

const matches = (pattern: string, host: Named): boolean => {
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
