import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, lookAt } from '../support/host-files.ts';
import { makeProject, type Project } from '../support/project.ts';
import { type HostOptions, SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { findTool, needs, needsRoot } from '../support/tools.ts';

/** The login shell of root on the host. */
const loginShell = (path: string): string => `
sed "s#^\\(root:.*\\):[^:]*\\$#\\1:${path}#" /etc/passwd > "$dir/passwd"
mount --bind "$dir/passwd" /etc/passwd`;

const GREETING = 'printf "Welcome!\\tto\\thost\\n"; printf "Careful!\\\\n" >&2';

/** A user of the host's own, who may do all by sudo; it can be logged in to with the key of the fleet. */
const DEPLOY_USER = `
chmod 711 "$dir/.." "$dir"
(cat /etc/passwd; echo "deploy:x:1500:1500::$dir/home:/bin/sh") > "$dir/passwd"
(cat /etc/shadow; echo 'deploy:*:19000:0:99999:7:::') > "$dir/shadow"
echo 'ALL ALL=(ALL) NOPASSWD: ALL' > "$dir/sudoers"
chmod 600 "$dir/shadow"; chmod 440 "$dir/sudoers"
for file in passwd shadow sudoers; do mount --bind "$dir/$file" "/etc/$file"; done
chown 1500:1500 /var/www`;

const HOSTS: Record<string, HostOptions> = {
  dash: { setUp: loginShell('/bin/dash') },
  'busybox ash': { setUp: `ln -s ${findTool('busybox')} "$dir/ash"; ${loginShell('$dir/ash')}` },
  fish: { setUp: loginShell(findTool('fish') ?? '') },
  csh: { setUp: loginShell(findTool('csh') ?? '') },
  'a noisy .bashrc, also for an external sftp-server': {
    sftp: '/usr/lib/openssh/sftp-server',
    setUp: `${loginShell('/bin/bash')}; echo '${GREETING}' > "$home/.bashrc"`,
  },
  'no sftp subsystem, a HOME that is read-only': { sftp: false, setUp: 'mount -o remount,bind,ro "$home"' },
  'noexec /tmp, umask 077': {
    setUp: `${loginShell('/bin/bash')}; echo 'umask 077' > "$home/.bashrc"
mount --bind /tmp /tmp && mount -o remount,bind,noexec,ro /tmp`,
  },
  'no sha256sum': { without: ['sha256sum'] },
  'a user with sudo': { setUp: DEPLOY_USER },
};

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'dash', 'busybox', 'fish', 'csh') || !needsRoot())('odd hosts', () => {
  let fleet: SshdFleet;
  let project: Project;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: Object.values(HOSTS) });
    project = await makeProject({ fleet });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  test.each(['torrent', 'sftp'])('a deploy by %s to each of them, and the way back', async (strategy) => {
    await project.configure({
      recipes: "[restart('sudo -n id -un > restarted')]",
      config: { strategy },
      host: (place) => (Object.keys(HOSTS)[place] === 'a user with sudo' ? { user: 'deploy' } : {}),
    });
    const runs = [await project.deploy(), await project.deploy(), await project.deploy(['deploy:rollback'])];
    const failures = runs.flatMap(({ summary }) => summary.hosts.filter(({ error }) => error));
    expect(failures).toEqual([]);
    for (const [place, name] of Object.keys(HOSTS).entries()) {
      const host = fleet.hosts[place]!;
      expect([name, ...runs.map((run) => run.of(host))]).toEqual([
        name,
        ...['published', 'published', 'published'].map((status) => expect.objectContaining({ status })),
      ]);
      expect([name, (await lookAt(host, 'shop')).current]).toEqual([name, runs[0]!.summary.release]);
      expect(await readFile(join(host.files, 'shop/releases', runs[0]!.summary.release!, 'restarted'), 'utf8')).toBe(
        'root\n',
      );
    }
    await expectNothingLeft(project);
  });
});

describe.skipIf(!needs(...SSHD_TOOLS, 'git'))('a host without `head`', () => {
  let fleet: SshdFleet;
  let project: Project;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: [{ without: ['head'] }, {}] });
    project = await makeProject({ fleet });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  test.each(['sftp', 'torrent'])('gets by %s what would go straight to it otherwise', async (strategy) => {
    await project.configure({ config: { strategy } });
    const run = await project.deploy();
    const transfers = run.events.filter(({ type }) => type === 'transfer-start');
    expect(transfers).toEqual([expect.objectContaining({ strategy })]);
    expect(transfers[0]).not.toHaveProperty('via');
    for (const host of fleet.hosts) expect(run.of(host)).toMatchObject({ status: 'published' });
    await expectNothingLeft(project);
  });
});

describe.skipIf(!needs(...SSHD_TOOLS, 'git') || !needsRoot())('hosts that cannot be served', () => {
  const NO_NODE = ['node', 'nodejs'];
  const says = (
    program: string,
    words: string,
  ) => `mkdir "$dir/fake"; printf '#!/bin/sh\necho ${words}\n' > "$dir/fake/${program}"
chmod 755 "$dir/fake/${program}"; mount --bind "$dir/fake/${program}" "$(command -v ${program})"`;
  const unfit: [HostOptions, RegExp][] = [
    [{ without: NO_NODE, setUp: 'mount -o remount,bind,noexec /var/www' }, /no Node\.js.*mounted noexec.*sftp/],
    [{ without: NO_NODE, setUp: says('uname', 'riscv64') }, /no Node\.js.*the processor riscv64.*sftp/],
    [{ without: NO_NODE, setUp: says('getconf', 'glibc 2.17') }, /no Node\.js.*needs glibc 2\.28: this host has 2\.17/],
    [{ without: NO_NODE, diskSize: '60m' }, /no Node\.js.*needs 125 MB on the disk: \d+ MB are free/],
    [{ without: ['tar', 'bsdtar', 'sha256sum', 'shasum', 'openssl'] }, /no tar/],
  ];

  test('are named by deploy:check, each with what is wrong with it', async () => {
    const fleet = await startSshdFleet({ hosts: unfit.map(([options]) => options) });
    const project = await makeProject({ fleet });
    try {
      const check = await project.deploy(['deploy:check']);
      expect(check.exitCode).toBe(1);
      for (const [place, [, words]] of unfit.entries())
        expect(check.of(fleet.hosts[place]!).error).toMatchObject({
          ...{ code: 'check', task: 'deploy:check', message: expect.stringMatching(words) },
        });
      await project.configure({ config: { strategy: 'sftp' } });
      const sftp = await project.deploy();
      expect(sftp.of(fleet.hosts[4]!).error?.message).toMatch(/no tar.*no sha256sum, shasum or openssl/s);
      for (const host of fleet.hosts.slice(0, 4)) expect(sftp.of(host).error).toBeUndefined();
      await expectNothingLeft(project);
    } finally {
      await project.remove();
      await fleet.close();
    }
  });
});
