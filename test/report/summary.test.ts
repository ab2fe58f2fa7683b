import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HostError, Summary } from '#protocol/events.ts';
import { formatReleases } from '#report/answers.ts';
import { describeCause } from '#report/cause.ts';
import { formatSummary } from '#report/summary.ts';
import { displayWidth } from '#report/text.ts';
import { anySummary, commandError, hostSummary, names, summaryOf } from './events.ts';

const say = (changes: Partial<Summary>, columns = 80): string => {
  const { failures, verdict } = formatSummary(summaryOf(changes), { columns, color: false });
  return [...failures, ...(failures.length > 0 ? [''] : []), ...verdict].join('\n');
};

test('a deploy that went well is told in two lines', () => {
  expect(say({})).toMatchInlineSnapshot(`
    "✔ shop 20261122093000 (abc1234) published on 8 hosts in 7.1 s
      30.1 MB, 2,000 files; distributed in 4.9 s; the deployer sent 1.02 copies"
  `);
});

test('other tasks are told in their own words', () => {
  const plain = { revision: '', seconds: 1.2, hosts: names(8).map((host) => hostSummary(host, 'unchanged')) };
  const first = (changes: Partial<Summary>) => say({ ...plain, ...changes }).split('\n')[0];
  expect(
    ['deploy:rollback', 'deploy:check', 'deploy:cleanup', 'deploy:lock', 'deploy:unlock', 'run', 'deploy'].map((task) =>
      first({ task }),
    ),
  ).toMatchInlineSnapshot(`
    [
      "✔ shop rolled back to 20261122093000 on 8 hosts in 1.2 s",
      "✔ shop: 8 hosts checked and found ready in 1.2 s",
      "✔ shop: old releases cleaned up on 8 hosts in 1.2 s",
      "✔ shop: locked on 8 hosts in 1.2 s",
      "✔ shop: unlocked on 8 hosts in 1.2 s",
      "✔ run done on 8 hosts in 1.2 s",
      "✔ shop 20261122093000 done on 8 hosts (nothing published) in 1.2 s",
    ]
  `);
});

const reverted = names(8).map((host, index) =>
  index === 2 ? hostSummary(host, 'failed', commandError(host)) : hostSummary(host, 'reverted'),
);

test('a failure on a wide terminal is a table', () => {
  expect(say({ ok: false, exitCode: 1, hosts: reverted })).toMatchInlineSnapshot(`
    "host   what failed               command      last output
    web03  app:restart: exit code 1  bin/restart  Starting shop
                                                  address already in use

    ✖ Deploy of shop to production failed after 7.1 s
      No host serves the new release: 7 switched back to the release before, 1
      failed (of 8 hosts)"
  `);
});

test('a failure with long lines on a narrow terminal is a block a host', () => {
  const error = commandError('web03', {
    command: 'cd /var/www/shop/releases/20261122093000 && bin/restart --graceful --wait 30',
    output: `Starting\n${'long '.repeat(20)}\n`,
  });
  expect(say({ ok: false, exitCode: 1, hosts: [hostSummary('web03', 'failed', error)] }, 60)).toMatchInlineSnapshot(`
    "  web03
        app:restart: bin/restart failed on web03 (exit code 1)
        $ cd /var/www/shop/releases/20261122093000 &&
          bin/restart --graceful --wait 30
        | Starting
        | long long long long long long long long long long long
        | long long long long long long long long long

    ✖ Deploy of shop to production failed after 7.1 s
      No host serves the new release: 1 failed (of 1 host)"
  `);
});

test('hosts that failed alike share a row', () => {
  const refused = (index: number): HostError => ({
    code: 'connect',
    message: `connect ECONNREFUSED 10.0.0.${index}:22`,
    task: 'connect',
  });
  const hosts = names(21).map((host, index) =>
    index === 20
      ? hostSummary(host, 'failed', {
          code: 'auth',
          message: 'All configured authentication methods failed',
          task: 'connect',
        })
      : hostSummary(host, 'failed', refused(index)),
  );
  expect(say({ ok: false, exitCode: 5, hosts }, 100)).toMatchInlineSnapshot(`
    "host                     what failed
    web01..web20 (20 hosts)  connect: connection refused: nothing listens there, is sshd running on this
                             port?

    web21                    connect: login refused: the host accepts none of the keys offered for this
                             user

    ✖ Deploy of shop to production failed after 7.1 s
      Nothing was changed: no way into 21 of 21 hosts"
  `);
});

test('what failed apart from any host is told, and who holds the lock with the way out', () => {
  expect(
    say({ ok: false, exitCode: 1, hosts: [], error: { message: 'the ref v9 does not exist in .' } }),
  ).toMatchInlineSnapshot(`
    "  the ref v9 does not exist in .

    ✖ Deploy of shop to production failed after 7.1 s"
  `);
  const locked: HostError = { code: 'locked', message: 'ana@laptop deploys since 09:30', task: 'deploy:lock' };
  expect(
    say({ ok: false, exitCode: 4, hosts: names(3).map((host) => hostSummary(host, 'failed', locked)) }),
  ).toMatchInlineSnapshot(`
    "host                    what failed
    web01..web03 (3 hosts)  deploy:lock: ana@laptop deploys since 09:30

    ✖ Deploy of shop to production failed after 7.1 s
      Nothing was changed on any host
      If nobody works there any more, remove the lock: deploy production
      deploy:unlock"
  `);
});

test('an interrupt says what was undone and does not list it as failures', () => {
  const interrupted: HostError = { code: 'interrupted', message: 'interrupted', task: 'deploy:distribute' };
  const hosts = names(3).map((host) => hostSummary(host, 'unchanged', interrupted));
  expect(say({ ok: false, exitCode: 130, seconds: 2.1, hosts })).toMatchInlineSnapshot(`
    "■ Interrupted after 2.1 s: nothing was published, the unfinished release is
      removed
      No host serves the new release: 3 unchanged (of 3 hosts)"
  `);
});

test('a run that finishes the last one never says that no host serves the release', () => {
  const finishing = { onlyFailed: true, revision: '' } as const;
  const unchanged = names(3).map((host) => hostSummary(host, 'unchanged'));
  expect(say({ ...finishing, hosts: unchanged }).split('\n')[0]).toBe(
    '✔ shop 20261122093000 is served by 3 hosts already: nothing to finish in 7.1 s',
  );
  const hosts = [...unchanged.slice(0, 2), hostSummary('web03', 'failed', commandError('web03'))];
  expect(say({ ...finishing, ok: false, exitCode: 1, hosts })).toContain(
    'The fleet now: 2 unchanged, 1 failed (of 3 hosts)',
  );
});

test('failures within the allowed say how to bring the rest along', () => {
  const hosts = names(3).map((host, index) =>
    index === 2 ? hostSummary(host, 'failed', commandError(host)) : hostSummary(host, 'published'),
  );
  expect(say({ ok: false, exitCode: 3, hosts })).toMatchInlineSnapshot(`
    "host   what failed               command      last output
    web03  app:restart: exit code 1  bin/restart  Starting shop
                                                  address already in use

    ▲ shop 20261122093000 (abc1234) published on 2 hosts in 7.1 s, but 1 host
      failed
      The fleet now: 2 serve 20261122093000, 1 failed (of 3 hosts)
      Once they are mended: deploy production --only-failed"
  `);
});

test('system errors of connections are told in words, our own words stay', () => {
  const cause = (message: string, code: HostError['code'] = 'connect') =>
    describeCause({ code, message, task: 'connect' });
  expect(cause('connect ECONNREFUSED 10.0.0.7:22')).toContain('connection refused');
  expect(cause('getaddrinfo ENOTFOUND web01')).toContain('does not resolve');
  expect(cause('web01 is not in known_hosts', 'host-key')).toBe('web01 is not in known_hosts');
  expect(describeCause(commandError('web01', { message: 'bin/restart exited with 1' }))).toBe('exit code 1');
  expect(describeCause(commandError('web01', { code: 'signal', message: '', exitCode: null, signal: 'SIGKILL' }))).toBe(
    'killed by SIGKILL',
  );
});

test('no summary is wider than the terminal', () => {
  fc.assert(
    fc.property(anySummary, fc.integer({ min: 20, max: 160 }), (summary, columns) => {
      if (summary.type !== 'summary') return;
      const { failures, verdict } = formatSummary(summary, { columns, color: true });
      for (const line of [...failures, ...verdict]) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
    }),
  );
});

test('releases are a table of hosts and what they hold, the newest first', () => {
  const release = (name: string, current: boolean) => ({
    name,
    current,
    state: 'published' as const,
    revision: 'abc1234'.padEnd(40, '0'),
    by: 'ana',
    at: '2026-11-22T09:30:00Z',
  });
  const listed = new Map([
    ['web01', [release('20261121080000', false), release('20261122093000', true)]],
    ['web02', []],
    [
      'web03',
      [
        { name: '20261122093000', current: true, state: 'bad' as const },
        { name: '20261121080000', current: false, state: 'failed' as const },
      ],
    ],
  ]);
  expect(formatReleases(listed, { columns: 100, color: false }).join('\n')).toMatchInlineSnapshot(`
    "host      release         date              revision      by   state
    web01  *  20261122093000  2026-11-22 09:30  abc123400000  ana  current
    web01     20261121080000  2026-11-22 09:30  abc123400000  ana  published
    web02     (no releases)
    web03  *  20261122093000                                       current (bad)
    web03     20261121080000                                       failed"
  `);
});

test('what differs in more than host and addresses is told apart; where outputs differ it is said whose stands there', () => {
  const failed = (host: string, message: string, output: string) =>
    hostSummary(host, 'failed', { code: 'check', task: 'deploy:check', message, output });
  const tell = (...hosts: ReturnType<typeof failed>[]) => say({ ok: false, exitCode: 1, hosts }).split('\n\n')[0];
  expect(tell(failed('web01', 'db2.yml is missing', ''), failed('web02', 'db1.yml is missing', ''))).toMatch(
    /^web01 .*db2.*\nweb02 .*db1/m,
  );
  expect(tell(failed('web01', 'no', 'got 404'), failed('web02', 'no', 'got 500'))).toMatch(
    /web01, web02 \(2 hosts\) .*\(of web01\)\n.*got 404/,
  );
});

test('what to type next keeps the choice of the configuration and of the hosts', () => {
  const next = (exitCode: number, code: HostError['code'], chosen: object) => {
    const error: HostError = { code, message: 'x', task: 'connect' };
    const hosts = [hostSummary('web01', 'published'), hostSummary('web02', 'failed', error)];
    const summary = summaryOf({ ok: false, exitCode, hosts });
    return formatSummary(summary, { columns: 200, color: false, chosen: chosen as never })
      .verdict.at(-1)
      ?.trim();
  };
  const chosen = { options: ['--config', "it's.ts"], hosts: ['web*'] };
  const words = "--config 'it'\\''s.ts'";
  expect(next(4, 'locked', chosen)).toMatch(`deploy production deploy:unlock ${words} --hosts 'web*'`);
  expect(next(5, 'connect', chosen)).toBe(`Without them: deploy production ${words} --hosts 'web*,!web02'`);
  expect(next(3, 'command', chosen)).toBe(
    `Once they are mended: deploy production --only-failed ${words} --hosts 'web*'`,
  );
  const few = { ...chosen, hosts: [], limit: '2' };
  expect(next(5, 'connect', few)).toBe(`Without them: deploy production ${words} --hosts web01`);
  const many = names(11).map((host) => hostSummary(host, 'published'));
  const away = hostSummary('away', 'failed', { code: 'connect', message: 'x', task: 'connect' });
  const limited = { columns: 200, color: false, chosen: { ...few, limit: '12' } };
  const { verdict } = formatSummary(summaryOf({ ok: false, exitCode: 5, hosts: [...many, away] }), limited);
  expect(verdict.join()).not.toContain('Without them'); // nobody reads a line of eleven names
  expect(next(4, 'locked', few)).toMatch(`deploy:unlock ${words} --limit 2`);
  expect(next(1, 'disk-full', chosen)).toBe(`To make room: deploy production deploy:cleanup ${words} --hosts 'web*'`);
});
