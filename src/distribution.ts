import { type Content, resolveContent } from '#artifact/resolve-content.ts';
import type { PlacedContent } from '#recipe/placed-content.ts';
import { UserError } from '#recipe/user-error.ts';

/** What `distribute` was asked for. */
export interface DistributionRequest {
  /** Absolute path of a file or directory on this machine. */
  readonly path: string;
  /** Absolute path on the hosts. */
  readonly to: string;
  readonly remove: boolean;
}

/** Finds what is to be brought to the hosts. @throws UserError, exit code 2, where there is no such thing */
export const findContent = async ({ path, to, remove }: DistributionRequest): Promise<Content & PlacedContent> => {
  const content = await resolveContent(path);
  if (content.kind === 'file') return { ...content, to, remove };
  if (to === '/') throw new UserError('a directory cannot be placed as / itself: name one below it with --to', 2);
  return { ...content, to: to.replace(/\/$/, ''), remove };
};
