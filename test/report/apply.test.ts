import { expect, test } from 'vitest';
import type { DeployFact } from '#protocol/events.ts';
import { applyEvent, applyEvents } from '#report/apply.ts';
import { timeLeft } from '#report/transfer.ts';
import { emptyView } from '#report/view.ts';
import { at, commandError, hostSummary, names, summaryOf, time } from './events.ts';

const hosts = names(3);
const START: DeployFact = {
  type: 'run-start',
  application: 'shop',
  stage: 'production',
  task: 'deploy',
  hosts,
  tasks: ['deploy:check', 'deploy:distribute', 'deploy:publish'],
};
const taskStart = (task: string): DeployFact => ({ type: 'task-start', task, description: `Do ${task}`, hosts });
const progress = (host: string, pieces: number, done = false): DeployFact => ({
  type: 'transfer-progress',
  host,
  pieces,
  bytes: pieces * 100,
  downloaded: pieces * 100,
  uploaded: 0,
  done,
});
const TRANSFER: DeployFact = { type: 'transfer-start', bytes: 1000, pieces: 10, strategy: 'torrent', hosts };

const viewOf = (...facts: [number, DeployFact][]) =>
  applyEvents(
    emptyView,
    facts.map(([seconds, fact]) => at(seconds, fact)),
  );

test('phases wait, run and end in the order of the run', () => {
  const view = viewOf(
    [0, START],
    [1, taskStart('deploy:check')],
    [2, { type: 'task-end', task: 'deploy:check', ok: true, seconds: 1, detail: 'fine' }],
    [2, taskStart('deploy:distribute')],
  );
  expect(view.phases.map(({ task, state, seconds, detail }) => [task, state, seconds, detail])).toEqual([
    ['deploy:check', 'done', 1, 'fine'],
    ['deploy:distribute', 'running', 0, ''],
    ['deploy:publish', 'waiting', 0, ''],
  ]);
  expect(view.phases[1]?.startedAt).toBe(time(2));
});

test('a task that was not announced is a phase too', () => {
  expect(viewOf([0, START], [1, taskStart('app:warm')]).phases.at(-1)).toMatchObject({
    task: 'app:warm',
    state: 'running',
  });
});

test('the summary stops what is under way and skips the rest', () => {
  const view = viewOf([0, START], [1, taskStart('deploy:check')], [3, { type: 'summary', ...summaryOf() }]);
  expect(view.phases.map(({ state, seconds }) => [state, seconds])).toEqual([
    ['stopped', 2],
    ['skipped', 0],
    ['skipped', 0],
  ]);
});

test('only the last output of commands under way is kept', () => {
  const output = (host: string, text: string): DeployFact => ({
    type: 'command-output',
    host,
    task: 'deploy:check',
    stream: 'stdout',
    text,
  });
  const start: [number, DeployFact] = [
    0,
    { type: 'command-start', host: 'web01', task: 'deploy:check', command: 'ls', text: 'ls' },
  ];
  const view = viewOf(
    start,
    [0, output('web01', 'one\n')],
    [0, output('web01', 'two\n')],
    [0, output('web01', '\n')],
    [0, output('web02', 'late\n')],
  );
  expect([...view.running]).toEqual([['web01', { command: 'ls', tail: 'two\n' }]]);
  const end: DeployFact = {
    type: 'command-end',
    host: 'web01',
    task: 'deploy:check',
    command: 'ls',
    exitCode: 0,
    signal: null,
    seconds: 1,
  };
  expect(applyEvent(view, at(1, end)).running.size).toBe(0);
});

test('the fleet is the sum of its hosts', () => {
  const view = viewOf(
    [0, START],
    [0, taskStart('deploy:distribute')],
    [0, TRANSFER],
    [1, progress('web01', 10, true)],
    [1, progress('web02', 5)],
    [2, progress('web02', 7)],
  );
  expect(view.transfer).toMatchObject({
    task: 'deploy:distribute',
    done: 1,
    total: { pieces: 17, bytes: 1700, downloaded: 1700 },
  });
  expect(view.transfer && timeLeft(view.transfer, time(2))).toBeGreaterThan(0);
});

test('a host that failed no longer counts', () => {
  const error = commandError('web02', { code: 'transfer', task: 'deploy:distribute' });
  const view = viewOf(
    [0, START],
    [0, TRANSFER],
    [1, progress('web01', 10, true)],
    [1, progress('web02', 5)],
    [2, { type: 'host-failed', host: 'web02', error }],
    [3, progress('web02', 9)],
  );
  expect(view.transfer).toMatchObject({ done: 1, failed: 1, total: { pieces: 10, bytes: 1000 } });
  expect([...view.failed.keys()]).toEqual(['web02']);
});

test('a phase without words of its own tells what it knows', () => {
  const error = commandError('web02', { task: 'deploy:check' });
  const view = viewOf(
    [0, START],
    [0, taskStart('deploy:check')],
    [1, { type: 'host-failed', host: 'web02', error }],
    [1, { type: 'task-end', task: 'deploy:check', ok: false, seconds: 1 }],
    [1, taskStart('deploy:distribute')],
    [1, { ...TRANSFER, hosts: ['web01', 'web03'] }],
    [5, { type: 'transfer-end', seconds: 4, seederUploaded: 1000 }],
    [5, { type: 'task-end', task: 'deploy:distribute', ok: true, seconds: 4 }],
  );
  expect(view.phases.map(({ detail }) => detail)).toEqual(['failed on 1 host', '1.0 kB to 2 hosts in 4.0 s', '']);
});

test('a batch gives what its events give one by one, and the view before stays as it was', () => {
  const events = [
    at(0, START),
    at(0, taskStart('deploy:distribute')),
    at(0, TRANSFER),
    at(1, progress('web01', 4)),
    at(2, progress('web01', 8)),
    at(2, { type: 'host-failed', host: 'web03', error: commandError('web03') }),
    at(3, progress('web02', 10, true)),
    at(4, { type: 'summary', ...summaryOf({ hosts: [hostSummary('web01', 'failed')] }) }),
  ];
  const before = applyEvents(emptyView, events.slice(0, 4));
  const kept = structuredClone(before);
  const { transfer: whole, ...batch } = applyEvents(before, events.slice(4));
  const { transfer: single, ...oneByOne } = events.slice(4).reduce(applyEvent, before);
  expect(batch).toEqual(oneByOne);
  expect(whole?.total).toEqual(single?.total);
  expect(before).toEqual(kept);
});
