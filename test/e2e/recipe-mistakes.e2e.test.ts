import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeEmbeddedProject } from '../support/project.ts';

describe('a mistake in a recipe', () => {
  let project: Awaited<ReturnType<typeof makeEmbeddedProject>>;
  beforeEach(async () => {
    project = await makeEmbeddedProject({ count: 2 });
  });
  afterEach(() => project.remove());

  /** Deploys with a task of this body before the switch, and one after it that says so. */
  const deploy = async (body: string) => {
    await project.configure({
      recipes: `[defineRecipe({ name: 'mine', before: { 'deploy:publishing': ['mine:first', 'mine:second'] }, tasks: [
        task('mine:first', 'First', { run: async ({ on, hosts, runLocally, invoke }) => { ${body} } }),
        task('mine:second', 'Second', { run: ({ on, hosts }) => on(hosts, ({ run }) => run(['sleep', '0.5'])) }),
        task('mine:invoked', 'Invoked', { run: () => { throw new Error('thrown there'); } }),
      ] })]`,
    });
    const run = await project.deploy();
    const began = run.events.flatMap((event) => (event.type === 'task-start' ? [event.task] : []));
    return { ...run, began };
  };
  /** The release is undone everywhere and the summary is the last word. */
  const undone = { exitCode: 1, summary: { exitCode: 1, ok: false } };

  test.each([
    ['on', "on(hosts, { once: true }, ({ run }) => run(sh`sleep 0.2; echo 'it failed' >&2; exit 7`));"],
    ['a command on a host', 'await on(hosts, { once: true }, async ({ run }) => { run(sh`sleep 0.2; exit 7`); });'],
    ['capture', 'await on(hosts, { once: true }, async (host) => { host.capture(sh`sleep 0.2; exit 7`); });'],
    ['upload', "await on(hosts, { once: true }, async (host) => { host.upload('missing-exit code 7', 'x'); });"],
    ['a command outside of on', 'hosts[0].execute(sh`sleep 0.2; exit 7`);'],
    ['runLocally', "runLocally(['sh', '-c', 'sleep 0.2; exit 7']);"],
    ['invoke', "invoke('mine:invoked');"],
  ])('no await before %s: the task lasts until it has ended, and fails with it', async (_, body) => {
    const run = await deploy(body);
    expect(run).toMatchObject(undone);
    expect(run.began).not.toContain('mine:second');
    expect(run.summary.error?.message ?? JSON.stringify(run.summary.hosts)).toMatch(
      /exit code 7|"exitCode":7|thrown there/,
    );
    expect(run.stderr).toBe('');
  });

  test.each([
    ['a timer', "setTimeout(() => { throw new Error('from nowhere'); }, 10);"],
    ['a promise', "Promise.reject(new Error('from nowhere'));"],
  ])('an error of %s that nobody waits for ends the run as a failure, with its place', async (_, body) => {
    const run = await deploy(body);
    expect(run).toMatchObject(undone);
    expect(run.summary.error?.message).toMatch(/^from nowhere \(.*deploy\.config\.ts:\d+:\d+\): .*`await`/);
    expect(run.summary.hosts.map(({ status }) => status)).toEqual(['unchanged', 'unchanged']);
    expect(run.stderr).toBe('');
  });

  test('what is thrown has its place in the file, on this machine and on a host', async () => {
    const here = await deploy('(null as never as { foo(): void }).foo();');
    expect(here.summary.error?.message).toMatch(/reading 'foo'\) \(.*deploy\.config\.ts:\d+:\d+\)$/);
    const there = await deploy("await on(hosts, async () => { throw new Error('oh no'); });");
    for (const { error } of there.summary.hosts)
      expect(error).toMatchObject({
        ...{ code: 'bug', message: expect.stringMatching(/the recipe threw: oh no \(.*deploy\.config\.ts:\d+:\d+\)$/) },
        output: expect.not.stringContaining('/dist/'),
      });
  });

  test('what was begun, and whose error is taken, is no failure of the task, and is waited for', async () => {
    const run = await deploy(
      "await on(hosts, async ({ run }) => { run(sh`sleep 0.2; exit 7`).catch(() => {}); }); on(hosts, ({ run }) => run(['true'])).catch(() => {});",
    );
    const ends = run.events.flatMap((event) =>
      event.type === 'command-end' && event.exitCode === 7
        ? [event.type]
        : event.type === 'task-start' && event.task === 'mine:second'
          ? [event.task]
          : [],
    );
    expect([run.exitCode, ends]).toEqual([0, ['command-end', 'command-end', 'mine:second']]);
  });

  test('an answer that is no is not shown as a failure', async () => {
    await deploy("await on(hosts, async ({ test }) => { await test(['false']); });");
    const { stderr, exitCode } = await project.run(['production', 'mine:first', '-q']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });
});
