import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeEndings } from '../src/endings.ts';
import { reachHosts } from '../src/reach-hosts.ts';
import { settle } from './support/open-session.ts';
import { isRoot, SSHD_TOOLS, type SshdFleet, startSshdFleet } from './support/sshd-fleet.ts';
import { needs } from './support/tools.ts';
import { until } from './support/until.ts';

describe.skipIf(!needs(...SSHD_TOOLS))('hosts are logged in to while the source is looked up', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 2, ...(isRoot() ? { password: 'open sesame' } : {}) });
  });
  afterAll(() => fleet?.close());

  const begin = (ssh: Parameters<typeof settle>[1] = {}, answer?: string) => {
    const told: string[] = [];
    const asked: string[] = [];
    const endings = makeEndings();
    const ask = async (question: string) => {
      asked.push(question);
      return answer as string;
    };
    let found: (source: string) => void = () => {};
    let missing: (error: Error) => void = () => {};
    const looked = new Promise<string>((resolve, reject) => {
      found = resolve;
      missing = reject;
    });
    const { env } = process;
    looked.catch(() => {}); // whoever waits for it hears of it
    const request = { ...settle(fleet, ssh), ask: answer === undefined ? undefined : ask, env, path: env.PATH ?? '' };
    const emit = ({ type }: { type: string }) => void told.push(type);
    const { signal } = new AbortController();
    const reached = reachHosts({ ...request, emit, endings, signal }, () => looked);
    return { ...reached, told, asked, found, missing, end: endings.run };
  };
  const logins = () => fleet.hosts.map((host) => host.logins());
  const loggedIn = (before: readonly number[]) => until(() => logins().every((count, index) => count > before[index]!));

  test('and nothing is told before it is known', async () => {
    const before = logins();
    const run = begin();
    await loggedIn(before);
    expect(run.told).toEqual([]);
    run.found('the commit');
    expect(await run.source).toBe('the commit');
    const { sessions, failures } = await run.opened();
    expect(run.told).toEqual(['host-connected', 'host-connected']);
    expect(failures).toEqual([]);
    expect((await sessions[1]!.run(['echo', 'here'])).stdout).toBe('here\n');
    await run.end();
    await Promise.all(fleet.hosts.map((host) => host.left()));
  });

  test.each(['after', 'before'])(
    'and are left, without a word, where there is no source, %s the login',
    async (when) => {
      const before = logins();
      const run = begin();
      if (when === 'after') await loggedIn(before);
      run.missing(new Error('no such branch'));
      await expect(run.source).rejects.toThrow('no such branch');
      await run.end();
      expect(run.told).toEqual([]);
      await Promise.all(fleet.hosts.map((host) => host.left()));
    },
  );

  test.skipIf(!isRoot()).each(['built-in', 'openssh'] as const)(
    'and nobody is asked before it is known: %s',
    async (transport) => {
      const stranger = join(fleet.dir, `stranger-${transport}`);
      await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
      const run = begin({ transport, identityFile: stranger, identityAgent: false }, 'open sesame');
      if (transport === 'built-in')
        await until(() => fleet.hosts.every((host) => /authenticating user/.test(host.log()))); // the key was refused
      for (const host of fleet.hosts) await fleet.ssh(host, 'true'); // meanwhile somebody would have been asked
      expect(run.asked).toEqual([]);
      run.found('the commit');
      const { sessions, failures } = await run.opened();
      expect(failures).toEqual([]);
      expect(sessions).toHaveLength(2);
      expect(run.asked).toHaveLength(1);
      await run.end();
    },
  );
});
