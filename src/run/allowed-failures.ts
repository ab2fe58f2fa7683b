import type { FailurePolicy } from '#recipe/settings.ts';
import { UserError } from '#recipe/user-error.ts';

/** How many of `hosts` may fail while the run goes on with the others; at least one has to be left. @throws UserError, exit code 2 */
export const allowedFailures = ({ onFailure, maxFailures }: FailurePolicy, hosts: number): number => {
  if (maxFailures === undefined) return onFailure === 'continue' ? hosts - 1 : 0;
  const match = String(maxFailures).match(/^(\d+)(%?)$/);
  if (!match)
    throw new UserError(`--max-failures ${maxFailures}: write a number of hosts, as 3, or a share of them, as 10%`, 2);
  const number = Number(match[1]);
  const allowed = match[2] === '%' ? Math.floor((hosts * number) / 100) : number;
  return Math.max(0, Math.min(allowed, hosts - 1));
};
