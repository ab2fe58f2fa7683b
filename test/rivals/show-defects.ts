import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { signalProcesses } from '../support/host-processes.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs, needsRoot } from '../support/tools.ts';
import { capistrano } from './capistrano.ts';
import type { Rival, RivalProject } from './rival.ts';
import { rookery } from './rookery.ts';

export interface Defect<Seen = unknown> {
  readonly name: string;
  readonly project?: Omit<RivalProject, 'fleet' | 'application'>;
  /** The scenario, with any tool: what it did, in plain values. @throws where the scenario did not come about. */
  readonly observe: (rival: Rival) => Promise<Seen>;
  readonly right: Seen;
  /** What Capistrano does instead. */
  readonly capistrano: Seen;
}

/** Types what stands on its own. */
export const defect = <Seen>(one: Defect<Seen>): Defect => one as Defect;

/** Each defect is looked at in both tools by the same eyes: it has to be there in Capistrano, just so, and not in Rookery. */
export const showDefects = (defects: readonly Defect[]): void => {
  // Capistrano takes one path for all hosts, and they have the same path apart for root only.
  describe.skipIf(!needs('cap', 'git', ...SSHD_TOOLS) || !needsRoot())('defects', () => {
    let fleet: SshdFleet;
    let rival: Rival | undefined;
    let count = 0;
    const named = defects.map((one) => [one.name, one] as const);
    beforeAll(async () => {
      const path = `/var/www/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`; // each host's own programs first
      fleet = await startSshdFleet({ hosts: 3, path });
    });
    afterAll(() => fleet?.close());
    afterEach(async () => {
      signalProcesses(
        'SIGKILL',
        fleet.hosts.flatMap((host) => host.processes().map(({ pid }) => pid)),
      );
      await Promise.all(fleet.hosts.map(({ files }) => empty(files)));
      await rival?.remove();
      rival = undefined;
    });

    describe.each(named)('%s', (_, { project, observe, right, capistrano: shown }) => {
      const look = async (make: (project: RivalProject) => Promise<Rival>): Promise<unknown> => {
        rival = await make({ fleet, application: `app${++count}`, ...project });
        return observe(rival);
      };

      test('is there in Capistrano', async () => {
        const seen = await look(capistrano);
        expect(seen).not.toEqual(right);
        expect(seen).toEqual(shown);
      });

      test('is not there in Rookery', async () => {
        expect(await look(rookery)).toEqual(right);
      });
    });
  });
};

const empty = async (dir: string): Promise<void> => {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true });
};
