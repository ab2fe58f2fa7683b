/** `as` where sudo wants a password: real sudo, PAM and shadow, and somebody at a terminal. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeProject } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { onTerminal } from '../support/terminal.ts';
import { needs, needsRoot } from '../support/tools.ts';

/** A user of the host's own with a password, who may do all by sudo, and is asked each time. */
const userWithPassword = (password: string): string => {
  const hash = execFileSync('openssl', ['passwd', '-6', password], { encoding: 'utf8' }).trim();
  return `
chmod 711 "$dir/.." "$dir"
(cat /etc/passwd; echo "deploy:x:1500:1500::$dir/home:/bin/sh") > "$dir/passwd"
(cat /etc/shadow; echo 'deploy:${hash}:19000:0:99999:7:::') > "$dir/shadow"
printf 'Defaults timestamp_timeout=0, lecture=never, passwd_tries=2\ndeploy ALL=(ALL) ALL\n' > "$dir/sudoers"
chmod 600 "$dir/shadow"; chmod 440 "$dir/sudoers"
for file in passwd shadow sudoers; do mount --bind "$dir/$file" "/etc/$file"; done
chown 1500:1500 /var/www`;
};

const recipes = `[defineRecipe({ name: 'roots', tasks: [
  task('root', 'Do something as root', ({ on, hosts }) => on(hosts, async (host) => {
    await host.as('root').execute(sh\`id -un > /var/www/first\`);
    await host.as('root').execute(sh\`id -un > /var/www/second\`);
  })),
]})]`;

describe.skipIf(!needs('git', 'script', 'sudo', 'openssl', ...SSHD_TOOLS) || !needsRoot())('a sudo that asks', () => {
  let fleet: SshdFleet;
  let project: Awaited<ReturnType<typeof makeProject>>;
  beforeAll(async () => {
    const hosts = ['correct horse', 'battery staple'].map((password) => ({ setUp: userWithPassword(password) }));
    fleet = await startSshdFleet({ hosts });
    project = await makeProject({ fleet, recipes, host: { user: 'deploy' } });
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });
  const done = () =>
    Promise.all(
      fleet.hosts.flatMap(({ files }) =>
        ['first', 'second'].map((name) => readFile(join(files, name), 'utf8').catch(() => undefined)),
      ),
    );

  test('is answered for all hosts; where the password is wrong it is asked for again, and each host may have its own', async () => {
    const { exitCode, screen } = await onTerminal(project, 'root -v', [
      ['Password for sudo on the hosts', 'correct horse\r'],
      [`Wrong on ${fleet.hosts[1]!.address}. Password for sudo on the hosts`, 'battery staple\r'],
    ]);
    expect([exitCode, await done()], screen).toEqual([0, Array(4).fill('root\n')]);
    for (const secret of ['correct horse', 'battery staple', 'rookery-sudo-password'])
      expect(screen).not.toContain(secret);
  });

  test('that gets no right password fails, and says so; so does one that nobody could answer', async () => {
    const one = `-z ${fleet.hosts[0]!.address}`;
    const wrong = ['Password for sudo on the hosts', 'guess\r'] as const;
    const { exitCode, screen } = await onTerminal(project, `root ${one}`, [wrong, wrong]);
    expect(exitCode).toBe(1);
    expect(screen).toContain('2 incorrect password attempts');
    expect(screen).not.toContain('guess');
    const alone = await project.run(['production', 'root', '-z', fleet.hosts[0]!.address]);
    expect(alone).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('a password is required') });
  });
});
