/**
 * From events to the view. Events come in bursts (a thousand hosts, many a second), so they are applied in batches: a
 * batch copies the tables once, and of the progress of one host only the newest counts.
 */
import type { DeployEvent, HostError, TransferProgress } from '#protocol/events.ts';
import { applyProgress, dropHost, startTransfer } from './transfer.ts';
import { formatBytes, formatSeconds, plural } from './units.ts';
import type { Phase, Running, View } from './view.ts';

/** The view after one event. */
export const applyEvent = (view: View, event: DeployEvent): View => applyEvents(view, [event]);

/** The view after events, in order. */
export const applyEvents = (view: View, events: readonly DeployEvent[]): View => {
  if (events.length === 0) return view;
  const draft: Draft = {
    ...view,
    phases: [...view.phases],
    running: new Map(view.running),
    failed: new Map(view.failed),
    news: new Map(),
  };
  for (const event of events) step(draft, event);
  settleNews(draft);
  const { news: _, ...next } = draft;
  return next;
};

const LOCAL = 'local';

interface Draft extends Omit<{ -readonly [K in keyof View]: View[K] }, 'phases' | 'running' | 'failed'> {
  phases: Phase[];
  running: Map<string, Running>;
  failed: Map<string, HostError>;
  /** Progress that has not been worked into `transfer` yet: only the newest of each host counts. */
  news: Map<string, TransferProgress & { at: number }>;
}

const step = (draft: Draft, event: DeployEvent): void => {
  const at = Date.parse(event.at) || draft.at;
  draft.at = at;
  if (draft.startedAt === 0) draft.startedAt = at;
  switch (event.type) {
    case 'run-start':
      draft.run = { application: event.application, stage: event.stage, task: event.task, hosts: event.hosts.length };
      draft.phases = event.tasks.map((task) => waiting(task));
      return;
    case 'host-connected':
      draft.connected++;
      return;
    case 'host-failed':
      draft.failed.set(event.host, event.error);
      draft.running.delete(event.host);
      settleNews(draft);
      if (draft.transfer) draft.transfer = dropHost(draft.transfer, event.host);
      return;
    case 'task-start': {
      const { task, description, hosts } = event;
      put(draft, { ...waiting(task), description, state: 'running', hosts: hosts.length, startedAt: at });
      return;
    }
    case 'task-end':
      endPhase(draft, event);
      return;
    case 'command-start':
      draft.running.set(event.host, { command: event.command, tail: '' });
      return;
    case 'command-output':
      hear(draft, event.host, event.text);
      return;
    case 'local-output':
      hear(draft, LOCAL, event.text);
      return;
    case 'command-end':
      draft.running.delete(event.host);
      return;
    case 'transfer-start':
      draft.news.clear();
      draft.transfer = startTransfer(event, draft.phases.findLast((phase) => phase.state === 'running')?.task, at);
      return;
    case 'transfer-progress':
      draft.news.set(event.host, { ...event, at });
      return;
    case 'transfer-end':
      settleNews(draft);
      if (draft.transfer) {
        draft.transfer = { ...draft.transfer, ended: { seconds: event.seconds, seederUploaded: event.seederUploaded } };
      }
      return;
    case 'command-planned':
    case 'output':
    case 'host-releases':
    case 'pending':
    case 'notice':
      return;
    case 'summary':
      draft.summary = event;
      draft.running.clear();
      draft.phases = draft.phases.map((phase) => settle(phase, at));
      return;
  }
};

const waiting = (task: string): Phase => ({
  task,
  description: '',
  state: 'waiting',
  hosts: 0,
  startedAt: 0,
  seconds: 0,
  detail: '',
});

const put = (draft: Draft, phase: Phase): void => {
  const index = draft.phases.findIndex(({ task }) => task === phase.task);
  if (index === -1) draft.phases.push(phase);
  else draft.phases[index] = phase;
};

const endPhase = (draft: Draft, event: Extract<DeployEvent, { type: 'task-end' }>): void => {
  const { task, ok, seconds } = event;
  const phase = draft.phases.find((known) => known.task === task) ?? waiting(task);
  settleNews(draft);
  const detail = event.detail ?? defaultDetail(draft, task, ok);
  put(draft, { ...phase, state: ok ? 'done' : 'failed', seconds, detail });
  draft.running.clear();
};

const defaultDetail = (draft: Draft, task: string, ok: boolean): string => {
  const { transfer } = draft;
  if (ok && transfer?.ended && transfer.task === task) {
    return `${formatBytes(transfer.bytes)} to ${plural(transfer.hosts.size, 'host')} in ${formatSeconds(transfer.ended.seconds)}`;
  }
  const failed = [...draft.failed.values()].filter((error) => error.task === task).length;
  return failed > 0 ? `failed on ${plural(failed, 'host')}` : '';
};

/** Phases as the summary leaves them: under way means stopped, not begun means skipped. */
const settle = (phase: Phase, at: number): Phase => {
  if (phase.state === 'waiting') return { ...phase, state: 'skipped' };
  if (phase.state !== 'running') return phase;
  return { ...phase, state: 'stopped', seconds: Math.max(0, at - phase.startedAt) / 1000, detail: 'stopped' };
};

const hear = (draft: Draft, source: string, text: string): void => {
  const running = draft.running.get(source) ?? (source === LOCAL ? { command: '' } : undefined);
  if (running && /\S/.test(text)) draft.running.set(source, { command: running.command, tail: text.slice(-1000) });
};

const settleNews = (draft: Draft): void => {
  if (draft.transfer && draft.news.size > 0) draft.transfer = applyProgress(draft.transfer, draft.news);
  draft.news.clear();
};
