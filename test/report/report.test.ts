import { PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeployFact, HostError } from '#protocol/events.ts';
import { openReport, type ReportOptions } from '#report/report.ts';
import { anyFact, anySummary, at, commandError, hostSummary, names, summaryOf } from './events.ts';
import { Terminal } from './terminal.ts';

const sink = () => {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, chunks, text: () => chunks.join('') };
};

const open = (changes: Partial<ReportOptions> = {}) => {
  const [out, err] = [sink(), sink()];
  const report = openReport({
    format: 'plain',
    verbosity: 0,
    color: false,
    out: out.stream,
    err: err.stream,
    columns: () => 80,
    rows: () => 24,
    now: () => performance.now(),
    ...changes,
  });
  return { report, out, err };
};

const hosts = names(2);
const RUN: DeployFact = {
  type: 'run-start',
  application: 'shop',
  stage: 'production',
  task: 'deploy',
  hosts,
  tasks: ['deploy:check', 'deploy:distribute'],
};
const CHECK: DeployFact = { type: 'task-start', task: 'deploy:check', description: 'Check the hosts', hosts };
const CHECKED: DeployFact = { type: 'task-end', task: 'deploy:check', ok: true, seconds: 0.4 };
const output = (text: string, host = 'web01'): DeployFact => ({
  type: 'command-output',
  host,
  task: 'deploy:check',
  stream: 'stdout',
  text,
});
const ended = (exitCode: number): DeployFact => ({
  type: 'command-end',
  host: 'web01',
  task: 'deploy:check',
  command: 'ls',
  exitCode,
  signal: null,
  seconds: 0.2,
});
const begun: DeployFact = { type: 'command-start', host: 'web01', task: 'deploy:check', command: 'ls', text: 'ls' };
const END: DeployFact = { type: 'summary', ...summaryOf() };

const tell = async (facts: readonly DeployFact[], changes: Partial<ReportOptions> = {}) => {
  const { report, out, err } = open(changes);
  for (const [index, fact] of facts.entries()) report.emit(at(index / 10, fact));
  await report.close();
  return { out: out.text(), err: err.text(), writes: out.chunks.length };
};

test('json is every event as it is, one a line, and nothing after the summary', async () => {
  const { report, out, err } = open({ format: 'json', verbosity: -1 });
  const events = [at(0, RUN), at(1, output('\x1b[31mred\n')), at(2, END)];
  for (const event of [...events, at(3, CHECK)]) report.emit(event);
  await report.close();
  expect(
    out
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(events);
  expect(err.text()).toBe('');
});

test('plain tells phases, complete lines of output and the summary', async () => {
  const { out, err } = await tell([
    RUN,
    CHECK,
    begun,
    output('one\ntw'),
    output('other\n', 'web02'),
    output('o'),
    ended(0),
    CHECKED,
    END,
  ]);
  expect(out).toBe(
    [
      'Deploy shop to production (2 hosts)',
      '[deploy:check] Check the hosts (2 hosts)',
      'web01 | one',
      'web02 | other',
      'web01 | two',
      '[deploy:check] done in 0.4 s',
      '✔ shop 20261122093000 (abc1234) published on 8 hosts in 7.1 s',
      '  30.1 MB, 2,000 files; distributed in 4.9 s; the deployer sent 1.02 copies',
      '',
    ].join('\n'),
  );
  expect(err).toBe('');
});

test('commands are told with -v, and when they fail', async () => {
  expect((await tell([begun, ended(0)])).out).toBe('');
  expect((await tell([begun, ended(0)], { verbosity: 1 })).out).toBe('web01 $ ls\n');
  expect((await tell([begun, ended(2)])).err).toBe('web01 $ ls\nweb01 ! exit code 2 after 0.2 s\n');
});

test('a line that a host answers in two pieces is one line, whatever it says on its other stream meanwhile', async () => {
  const answer = (text: string, stream: 'stdout' | 'stderr' = 'stderr'): DeployFact => ({
    ...{ type: 'output', host: 'web01', stream, text },
  });
  const facts = [RUN, CHECK, answer('ls: '), answer('beside\n', 'stdout'), answer('no such file\nrest'), CHECKED];
  expect((await tell(facts, { verbosity: -1 })).out).toBe('web01 | beside\nweb01 | ls: no such file\nweb01 | rest\n');
});

test('-q leaves warnings, failures, answers and the verdict', async () => {
  const error: HostError = commandError('web01');
  const notice = (level: 'info' | 'warning'): DeployFact => ({ type: 'notice', level, message: `a ${level}` });
  const facts: DeployFact[] = [
    RUN,
    CHECK,
    output('text\n'),
    notice('info'),
    notice('warning'),
    { type: 'output', host: 'web02', stream: 'stdout', text: 'up 3 days\n' },
    { type: 'host-failed', host: 'web01', error },
    CHECKED,
    END,
  ];
  for (const format of ['plain', 'tty'] as const) {
    const { out, err } = await tell(facts, { format, verbosity: -1 });
    expect(out).toBe('web02 | up 3 days\n✔ shop 20261122093000 (abc1234) published on 8 hosts in 7.1 s\n');
    expect(err).toBe('warning: a warning\nweb01 ✖ app:restart: exit code 1\n');
  }
});

test('a transfer is told at most every two seconds, and at its end', async () => {
  const { report, out } = open();
  report.emit(at(0, { type: 'task-start', task: 'deploy:distribute', description: 'Distribute', hosts }));
  report.emit(at(0, { type: 'transfer-start', bytes: 10_000_000, pieces: 100, strategy: 'torrent', hosts }));
  for (let tenth = 1; tenth <= 50; tenth++) {
    for (const host of hosts)
      report.emit(
        at(tenth / 10, {
          type: 'transfer-progress',
          host,
          pieces: 2 * tenth,
          bytes: tenth * 200_000,
          downloaded: tenth * 200_000,
          uploaded: 0,
          done: tenth === 50,
        }),
      );
  }
  report.emit(at(5, { type: 'transfer-end', seconds: 5, seederUploaded: 1 }));
  await report.close();
  expect(out.text().split('\n').slice(1)).toMatchInlineSnapshot(`
    [
      "[deploy:distribute] 10.0 MB in 100 pieces to 2 hosts",
      "[deploy:distribute] 78/200 pieces, 7.8 of 20.0 MB, 3.9 MB/s, 4 s left, 0/2 hosts done",
      "[deploy:distribute] 158/200 pieces, 15.8 of 20.0 MB, 4.2 MB/s, 1 s left, 0/2 hosts done",
      "[deploy:distribute] 200/200 pieces, 20.0 of 20.0 MB, 2/2 hosts done in 5.0 s",
      "",
    ]
  `);
});

test('plain writes in batches', async () => {
  const { writes } = await tell(Array.from({ length: 1000 }, () => output('a line\n')));
  expect(writes).toBeLessThan(5);
});

test('a reader that goes away does not end the run', async () => {
  for (const format of ['plain', 'json', 'tty'] as const) {
    const out = new PassThrough();
    const { report } = open({ format, out });
    report.emit(at(0, RUN));
    out.destroy(new Error('EPIPE'));
    await new Promise((resolve) => out.once('close', resolve));
    report.emit(at(1, CHECK));
    report.emit(at(2, END));
    await report.close();
  }
});

test('on a terminal phases under way are live, finished ones stay, and the cursor comes back', async () => {
  const terminal = new Terminal(80, 12);
  const { report } = open({ format: 'tty', out: terminal });
  report.emit(at(0, RUN));
  report.emit(at(0, CHECK));
  report.emit(at(0, begun));
  report.emit(at(0, output('looking around\n')));
  await terminal.until((lines) => lines.at(-1) === '    web01 | looking around');
  expect(terminal.cursorHidden).toBe(true);
  report.emit(at(0.4, CHECKED));
  report.emit(at(1, END));
  expect(terminal.lines).toEqual([
    'Deploy shop to production · 2 hosts',
    '',
    '✔ deploy:check        0.4 s  Check the hosts',
    '',
    '✔ shop 20261122093000 (abc1234) published on 8 hosts in 7.1 s',
    '  30.1 MB, 2,000 files; distributed in 4.9 s; the deployer sent 1.02 copies',
  ]);
  expect(terminal).toMatchObject({ cursorHidden: false, wrapped: 0 });
  expect(terminal.bytes).not.toMatch(/\x1b\[\d*m/);
  await report.close();
});

test('the transfer has a line for the fleet and one a host while they are few', async () => {
  const terminal = new Terminal(110, 14);
  const { report } = open({ format: 'tty', out: terminal, columns: () => 110, rows: () => 14, now: () => 0 });
  const many = names(20);
  report.emit(at(0, { ...RUN, hosts: many } as DeployFact));
  report.emit(at(0, { type: 'task-start', task: 'deploy:distribute', description: 'Distribute', hosts: many }));
  report.emit(at(0, { type: 'transfer-start', bytes: 10_000_000, pieces: 100, strategy: 'torrent', hosts: many }));
  for (const [index, host] of many.entries()) {
    report.emit(
      at(1, {
        type: 'transfer-progress',
        host,
        pieces: 5 * (index + 1),
        bytes: 500_000 * (index + 1),
        downloaded: 500_000 * (index + 1),
        uploaded: 0,
        done: index === 19,
      }),
    );
  }
  const lines = await terminal.until((all) => all.some((line) => line.includes('and 12 more')));
  expect(lines.slice(3)).toMatchInlineSnapshot(`
    [
      "    1/20 hosts  ━━━━━━━────────  52 %  1,050/2,000 pieces  105.0 of 200.0 MB  105.0 MB/s  1 s left",
      "    web01       ───────────────   5 %  500.0 kB  500.0 kB/s",
      "    web02       ━──────────────  10 %    1.0 MB    1.0 MB/s",
      "    web03       ━━─────────────  15 %    1.5 MB    1.5 MB/s",
      "    web04       ━━━────────────  20 %    2.0 MB    2.0 MB/s",
      "    web05       ━━━────────────  25 %    2.5 MB    2.5 MB/s",
      "    web06       ━━━━───────────  30 %    3.0 MB    3.0 MB/s",
      "    web07       ━━━━━──────────  35 %    3.5 MB    3.5 MB/s",
      "    web08       ━━━━━━─────────  40 %    4.0 MB    4.0 MB/s",
      "    … and 12 more",
    ]
  `);
  await report.close();
});

test('closing without a summary gives the terminal back at once', async () => {
  const terminal = new Terminal(80, 12);
  const { report } = open({ format: 'tty', out: terminal });
  report.emit(at(0, RUN));
  report.emit(at(0, CHECK));
  await terminal.until(() => terminal.cursorHidden);
  const closed = report.close();
  expect(terminal.cursorHidden).toBe(false);
  expect(terminal.lines).toEqual(['Deploy shop to production · 2 hosts']);
  await closed;
});

test('after a failure the terminal shows the table', async () => {
  const terminal = new Terminal(90, 20);
  const { report } = open({ format: 'tty', out: terminal, columns: () => 90 });
  const error = commandError('web02');
  for (const fact of [
    RUN,
    CHECK,
    { type: 'host-failed', host: 'web02', error },
    { ...CHECKED, ok: false },
  ] as DeployFact[])
    report.emit(at(0, fact));
  report.emit(
    at(1, {
      type: 'summary',
      ...summaryOf({
        ok: false,
        exitCode: 1,
        hosts: [hostSummary('web01', 'unchanged'), hostSummary('web02', 'failed', error)],
      }),
    }),
  );
  await report.close();
  expect(terminal.lines.slice(2)).toMatchInlineSnapshot(`
    [
      "✖ deploy:check        0.4 s  Check the hosts",
      "",
      "host   what failed               command      last output",
      "web02  app:restart: exit code 1  bin/restart  Starting shop",
      "                                              address already in use",
      "",
      "✖ Deploy of shop to production failed after 7.1 s",
      "  No host serves the new release: 1 unchanged, 1 failed (of 2 hosts)",
    ]
  `);
});

test('no sequence of events makes a reporter throw or lets a control character through', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFact, { maxLength: 30 }),
      anySummary,
      fc.integer({ min: 20, max: 120 }),
      fc.constantFrom(0 as const, 1 as const),
      async (facts, summary, columns, verbosity) => {
        const { out, err } = await tell([...facts, summary], { columns: () => columns, verbosity });
        expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
        expect(out).toMatch(/[✔✖▲■]/);
        expect(err).not.toContain('so did the report');
        const terminal = new Terminal(columns, 10);
        const { report } = open({ format: 'tty', out: terminal, columns: () => columns, rows: () => 10, verbosity });
        for (const fact of [...facts, summary]) report.emit(at(1, fact));
        await report.close();
        expect(terminal.cursorHidden).toBe(false);
        expect(terminal.bytes).toMatch(/[✔✖▲■]/);
      },
    ),
    { numRuns: 60 },
  );
});
