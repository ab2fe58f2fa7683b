/** SSHKit's and Capistrano's DSL tests (lists S1 to S7, and C9), against real sshd. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft } from '../support/host-files.ts';
import { type Deployed, makeProject } from '../support/project.ts';
import { isRoot, SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

const recipes = `[(await import('${fileURLToPath(new URL('recipes/words.ts', import.meta.url))}')).default]`;

describe.skipIf(!needs('git', ...SSHD_TOOLS))('the words of SSHKit', () => {
  let fleet: SshdFleet;
  let project: Awaited<ReturnType<typeof makeProject>>;
  const properties = [{ weight: 1 }, { weight: 2, tags: ['a'] }, undefined];
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 3, config: ['ClientAliveInterval 1', 'ClientAliveCountMax 1'] });
    project = await makeProject({
      ...{ fleet, recipes, config: { strategy: 'sftp' } },
      host: (index) => ({
        roles: [['app', 'db'], ['app', 'web'], ['web']][index],
        ...(properties[index] ? { properties: properties[index] } : {}),
        ...(index === 1 ? { primary: true } : {}),
        ...(index === 2 ? { noRelease: true } : {}),
      }),
    });
    await project.commit({ 'folder/a.txt': 'a', 'folder/deep/b.sh': { text: 'bb', mode: 0o755 } });
    await writeFile(join(project.dir, '.git/big'), randomBytes(25_000_000));
  });
  afterAll(async () => {
    await project?.remove();
    await fleet?.close();
  });

  const names = () => fleet.hosts.map(({ address }) => address);
  const run = async (...words: string[]): Promise<Deployed> => {
    const done = await project.deploy(words);
    expect(done.exitCode, `${done.stderr}${JSON.stringify(done.summary)}`).toBe(0);
    return done;
  };
  /** What tasks have told, host by host in the order of the fleet. */
  const told = ({ events }: Deployed): unknown[][] =>
    names().map((name) =>
      events.flatMap((event) => (event.type === 'output' && event.host === name ? [JSON.parse(event.text)] : [])),
    );
  const each = (...values: unknown[]) => names().map(() => values);

  test.skipIf(!needs('sudo') || !isRoot())(
    'S1, C9: within, with, umask and as hold together for every command, and end with what they were written for',
    async () => {
      const found = told(await run('another'));
      for (const [index, host] of fleet.hosts.entries()) {
        const lines = [`${host.deployTo('shop')}/my dir`, `"a" 100% $HOME 'b'`, '0027', 'nobody', 'daemon'];
        expect(found[index]).toEqual([['home', lines.join('\n'), 'nobody daemon 640'], fleet.user]);
      }
    },
  );

  test('S2, S4, S5: results, secrets, replies to prompts, and one connection that the server keeps alive', async () => {
    const logins = () => fleet.hosts.map((host) => host.logins());
    const before = logins();
    const done = await run('results', 'secrets', 'answers', 'waits');
    const results = [true, false, 'a', ' a \n', 'value', 'err\n'];
    expect(told(done)).toEqual(each(results, '11 bytes', 'Name? Name? alice y alice\n', 'alive'));
    expect(logins()).toEqual(before.map((count) => count + 1));
    for (const secret of ['hunter2', '$ecret', '123456']) expect(`${done.stdout}${done.stderr}`).not.toContain(secret);
    expect(done.stdout).toContain('[secret]');
  });

  test('S2: a command that fails tells its exit code and what it said', async () => {
    const { summary, events } = await project.deploy(['fails']);
    expect(summary.exitCode).toBe(1);
    for (const { error } of summary.hosts)
      expect(error).toMatchObject({ code: 'command', exitCode: 3, output: 'complained' });
    const said = events.flatMap((event) => (event.type === 'command-output' ? [event.text] : []));
    expect(said.filter((text) => text === 'said\n')).toHaveLength(3);
    const silent = await project.deploy(['fails:silently']);
    for (const { error } of silent.summary.hosts) expect(error).toMatchObject({ exitCode: 3, output: 'said' });
  });

  test('S3: a file of 25 MB, a directory and bytes go up and come down as they are', async () => {
    const files = ['big 644 25000000', 'bytes 600 5', 'folder/a.txt 644 1', 'folder/deep/b.sh 755 2'];
    expect(told(await run('transfers'))).toEqual(each([true, files.join('\n'), 'bytes', 'at home']));
    const big = await readFile(join(project.dir, '.git/big'));
    for (const name of names()) expect(big.equals(await readFile(join(project.dir, `.git/back-${name}`)))).toBe(true);
    await Promise.all(
      fleet.hosts.map((host) => fleet.ssh(host, `cd ${host.deployTo('shop')} && rm -rf big bytes folder 'my dir'`)),
    );
    await expectNothingLeft(project);
  });

  test('S6, S7: parallel, in sequence, in groups; roles, primary, properties, hosts without releases', async () => {
    const [[runners, inventory, first], [second], [third]] = told(
      await run('runners', 'inventory', 'onRelease'),
    ) as never as [[Record<string, Gone>, Record<string, unknown>, string], [string], [string | undefined]];
    const { parallel, sequence, groups, once } = runners as Record<'parallel' | 'sequence' | 'groups' | 'once', Gone>;
    const begins = ({ steps }: Gone) => steps.map(([from]) => from).sort((a, b) => a - b);
    const ends = ({ steps }: Gone) => steps.map(([, to]) => to).sort((a, b) => a - b);
    expect(begins(parallel)[2]).toBeLessThan(ends(parallel)[0]!); // all have begun before one has ended
    expect(begins(sequence)[1]! - ends(sequence)[0]!).toBeGreaterThan(290);
    expect(sequence.whole).toBeGreaterThan(590);
    expect(begins(groups)[1]).toBeLessThan(ends(groups)[0]!);
    expect(begins(groups)[2]! - ends(groups)[1]!).toBeGreaterThan(290);
    expect(groups.whole - ends(groups)[2]!).toBeLessThan(250); // no pause after the last group
    expect(once.steps).toHaveLength(1);

    const [one, two, three] = names();
    expect(inventory).toEqual({
      all: [one, two, three],
      app: [one, two],
      either: [one, two, three],
      primary: [two, two, one],
      releases: [one, two],
      heavy: [two],
      properties: [{ weight: 1 }, { weight: 2, tags: ['a'] }, null],
    });
    expect([first, second, third]).toEqual([one, two, undefined]);
  });

  test('S7: filters by role and by host, together; a role that nobody has is an error', async () => {
    const chosen = async (...words: string[]) =>
      (await run('onRelease', ...words)).summary.hosts.map(({ host }) => host);
    const [one, two] = names();
    expect(await chosen('-r', 'db,web', '-z', '*.1,*.2')).toEqual([one, two]);
    expect(await chosen('-r', 'app', '-z', `!${one}`)).toEqual([two]);
    const unknown = await project.deploy(['noRole']);
    expect(unknown.exitCode).not.toBe(0);
    expect(unknown.summary.error?.message).toContain("no host has the role 'databse'");
  });
});

interface Gone {
  /** When a host began and ended, in milliseconds. */
  readonly steps: readonly (readonly [number, number])[];
  readonly whole: number;
}
