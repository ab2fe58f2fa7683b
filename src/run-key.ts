import { randomBytes } from 'node:crypto';
import type { Config } from '#config/config.ts';
import type { TaskContext } from '#recipe/task-context.ts';

/** What opens the swarm of one transfer: new each time, known to its peers alone, and a secret in every output. Nothing where there shall be none. */
export const drawKey = ({ secret }: TaskContext, { encryption }: Config['swarm']): { key?: Uint8Array } => {
  if (!encryption) return {};
  const key = randomBytes(32);
  secret(key.toString('base64'));
  return { key };
};
