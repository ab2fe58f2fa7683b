import type { Summary } from '#protocol/events.ts';
import type { Arguments } from './arguments.ts';

/** The summary of a run that ended without a word on any host. */
export const endWithout = (
  exitCode: number,
  message: string,
  args: Pick<Arguments, 'stage' | 'tasks'> | undefined,
  seconds = 0,
): Summary => ({
  ...{ ok: false, exitCode, application: '', stage: args?.stage ?? '', task: args?.tasks.join(' ') ?? '', seconds },
  ...{ hosts: [], error: { message } },
});
