import fc from 'fast-check';
import type { DeployEvent, DeployFact, HostError, HostSummary, Summary } from '#protocol/events.ts';

const START = Date.parse('2026-11-22T09:30:00.000Z');

/** A fact stamped `seconds` after a fixed start. */
export const at = (seconds: number, fact: DeployFact): DeployEvent =>
  ({ ...fact, at: new Date(START + seconds * 1000).toISOString() }) as DeployEvent;

/** That time in ms. */
export const time = (seconds: number): number => START + seconds * 1000;

/** `web01`, `web02`, … */
export const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `web${String(index + 1).padStart(2, '0')}`);

/** The line of one host in a summary. */
export const hostSummary = (host: string, status: HostSummary['status'], error?: HostError): HostSummary => ({
  host,
  status,
  seconds: 1,
  downloaded: 0,
  uploaded: 0,
  reused: 0,
  ...(error ? { error } : {}),
});

/** A successful deploy to eight hosts, with changes. */
export const summaryOf = (changes: Partial<Summary> = {}): Summary => ({
  ok: true,
  exitCode: 0,
  application: 'shop',
  stage: 'production',
  task: 'deploy',
  release: '20261122093000',
  revision: `abc1234${'0'.repeat(33)}`,
  seconds: 7.1,
  artifact: { bytes: 30_100_000, files: 2000 },
  swarm: { seconds: 4.9, seederUploaded: 30_702_000 },
  hosts: names(8).map((host) => hostSummary(host, 'published')),
  ...changes,
});

/** A command that failed with some output. */
export const commandError = (host: string, changes: Partial<HostError> = {}): HostError => ({
  code: 'command',
  message: `bin/restart failed on ${host}`,
  task: 'app:restart',
  command: 'bin/restart',
  exitCode: 1,
  signal: null,
  output: 'Starting shop\naddress already in use\n',
  ...changes,
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom(
    '\x1b[2J\x1b[H',
    'one\rtwo\r',
    'a\tb\n',
    '商店\n',
    '\x1b]0;title\x07',
    '\n\n',
    '50 %\r100 %\n',
    '\x9b31m',
  ),
);
const host = fc.oneof(fc.constantFrom(...names(12)), text);
const task = fc.oneof(fc.constantFrom('deploy:check', 'deploy:distribute', 'deploy:publish'), text);
const stream = fc.constantFrom('stdout' as const, 'stderr' as const);
const count = fc.oneof(fc.nat(100), fc.nat(), fc.constant(0));
const seconds = fc.oneof(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.constant(Number.NaN));
const exitCode = fc.option(fc.nat(255));
const signal = fc.option(fc.constantFrom('SIGKILL', 'SIGTERM'));
const hosts = fc.uniqueArray(host, { maxLength: 14 });
const code = fc.constantFrom<HostError['code']>(
  'connect',
  'auth',
  'host-key',
  'command',
  'signal',
  'locked',
  'disk-full',
  'interrupted',
);
const error: fc.Arbitrary<HostError> = fc.record(
  { code, message: text, task, command: text, exitCode, signal, output: text },
  { requiredKeys: ['code', 'message', 'task'] },
);
const status = fc.constantFrom<HostSummary['status']>('published', 'unchanged', 'failed', 'reverted', 'skipped');

/** Any summary. */
export const anySummary: fc.Arbitrary<DeployFact> = fc
  .record({
    ok: fc.boolean(),
    exitCode: fc.constantFrom(0, 1, 2, 3, 4, 5, 130),
    task,
    seconds,
    hosts: fc.array(fc.tuple(host, status, fc.option(error)), { maxLength: 14 }),
    message: fc.option(text),
    bytes: count,
  })
  .map(({ hosts, message, bytes, ...rest }) => ({
    type: 'summary' as const,
    ...summaryOf({ ...rest, artifact: { bytes, files: 3 } }),
    hosts: hosts.map(([host, status, error]) => hostSummary(host, status, error ?? undefined)),
    ...(message === null ? {} : { error: { message } }),
  }));

/** Anything that may happen before the summary, in any order, sensible or not. */
export const anyFact: fc.Arbitrary<DeployFact> = fc.oneof(
  fc.record({
    type: fc.constant('run-start' as const),
    application: text,
    stage: text,
    task,
    hosts,
    tasks: fc.array(task, { maxLength: 5 }),
  }),
  fc.record({ type: fc.constant('host-connected' as const), host, seconds }),
  fc.record({ type: fc.constant('host-failed' as const), host, error }),
  fc.record({ type: fc.constant('task-start' as const), task, description: text, hosts }),
  fc.record(
    { type: fc.constant('task-end' as const), task, ok: fc.boolean(), seconds, detail: text },
    { requiredKeys: ['type', 'task', 'ok', 'seconds'] },
  ),
  fc.record({ type: fc.constant('command-start' as const), host, task, command: text, text }),
  fc.record({ type: fc.constant('command-planned' as const), host, task, command: text, text, reads: fc.boolean() }),
  fc.record({ type: fc.constant('command-output' as const), host, task, stream, text }),
  fc.record({ type: fc.constant('command-end' as const), host, task, command: text, exitCode, signal, seconds }),
  fc.record({ type: fc.constant('local-output' as const), command: text, stream, text }),
  fc.record({
    type: fc.constant('transfer-start' as const),
    bytes: count,
    pieces: count,
    strategy: fc.constantFrom('torrent' as const, 'sftp' as const),
    hosts,
  }),
  fc.record({
    type: fc.constant('transfer-progress' as const),
    host,
    pieces: count,
    bytes: count,
    downloaded: count,
    uploaded: count,
    done: fc.boolean(),
  }),
  fc.record({ type: fc.constant('transfer-end' as const), seconds, seederUploaded: count }),
  fc.record({ type: fc.constant('output' as const), host, stream, text }),
  fc.record({
    type: fc.constant('notice' as const),
    level: fc.constantFrom('info' as const, 'warning' as const),
    message: text,
  }),
  fc.record(
    {
      type: fc.constant('pending' as const),
      hosts: fc.array(host, { minLength: 1, maxLength: 3 }),
      from: text,
      to: text,
      label: text,
      commits: fc.array(fc.record({ revision: text, subject: text }), { maxLength: 3 }),
      without: fc.constantFrom('nothing-served' as const, 'no-revision' as const, 'unknown-revision' as const),
    },
    { requiredKeys: ['type', 'hosts', 'to', 'label'] },
  ),
  fc.record({
    type: fc.constant('host-releases' as const),
    host,
    releases: fc.array(
      fc.record({
        name: text,
        current: fc.boolean(),
        state: fc.constant('published' as const),
        by: text,
        revision: text,
      }),
      { maxLength: 3 },
    ),
  }),
);
