import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeArtifact } from '#artifact/make-artifact.ts';
import type { Config } from '#config/config.ts';
import type { Emit } from '#protocol/events.ts';
import { sh } from '#protocol/shell.ts';
import type { TaskContext } from '#recipe/task-context.ts';
import type { IsCached, Target } from '#swarm/strategy.ts';
import { torrentStrategy } from '#swarm/torrent-strategy.ts';
import { drawKey } from './run-key.ts';

export interface NetworkCheck {
  readonly config: Pick<Config, 'swarm'>;
  /** The hosts; the check has a file of its own beside our programs. */
  readonly targets: readonly Omit<Target, 'path'>[];
  readonly scratch: string;
  readonly dryRun: boolean;
  readonly isCached: IsCached;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Tries in small what a transfer does: every host is a peer of a swarm of a few bytes, for as long as it takes to find a
 * firewall. Warnings tell who cannot reach whom; a host fails that gets nothing.
 */
export const checkNetwork = async (t: TaskContext, check: NetworkCheck): Promise<void> => {
  const { config, scratch, dryRun, signal } = check;
  const file = join(scratch, 'network-check');
  await writeFile(file, randomBytes(BYTES));
  let warnings = 0;
  const emit: Emit = (fact) => {
    if (fact.type !== 'notice') return; // a few bytes are no transfer to show
    if (fact.level === 'warning') warnings++;
    check.emit(fact);
  };
  const name = `network-check-${randomBytes(4).toString('hex')}.part`;
  const targets = check.targets.map((target) => ({ ...target, path: `${target.cache}/${name}` }));
  const source = { label: 'network check', file };
  const artifact = await makeArtifact({ ...check, source, build: [], hosts: targets.length, now: Date.now() });
  const transfer = torrentStrategy.open({
    artifact,
    targets,
    ...config.swarm,
    ...drawKey(t, config.swarm),
    emit,
    signal,
  });
  try {
    if (dryRun) return await transfer.rehearse(targets, check.isCached);
    await transfer.track();
    await transfer.seed();
    const { errors } = await transfer.fetch(targets);
    await pause(FOUND_MS, undefined, { signal }).catch(() => {}); // peers go on trying each other meanwhile
    t.fail(errors);
    const all = targets.length === 1 ? 'the host gets' : `all ${targets.length} hosts get`;
    t.detail(warnings === 0 ? `${all} through` : 'a deploy gets through, slower: see the warnings');
  } finally {
    await transfer.stop();
    await Promise.all(
      targets.map(({ remote, path, cache }) =>
        remote.run(sh`rm -f ${path} ${cache}/network-check-*.part`, { label: 'remove the check' }).catch(() => {}),
      ),
    );
  }
};

const BYTES = 16 * 1024;

/** Milliseconds until a call that nobody answers has been told of (`first-tries.ts`), and been told here. */
const FOUND_MS = 2000;
