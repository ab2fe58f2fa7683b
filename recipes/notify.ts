import { defineRecipe, type HostError, setting, type TaskContext, task } from 'rookery';

export type NotifyEvent = (typeof EVENTS)[number];

/** What there is to tell. */
export interface News {
  /** `reverted`: a rollback is done. */
  readonly event: NotifyEvent;
  readonly application: string;
  readonly stage: string;
  readonly by: string;
  /** UTC time as YYYYMMDDHHMMSS; absent where the hosts were not looked at yet. */
  readonly release?: string;
  /** The commit; absent where it is not known yet, and for a rollback. */
  readonly revision?: string;
  readonly label?: string;
  readonly hosts: readonly string[];
  /** Hosts that have failed, and why. */
  readonly failures: readonly { readonly host: string; readonly error: HostError }[];
  /** All this in one sentence. */
  readonly text: string;
}

export interface NotifyOptions<Name extends string = 'notify'> {
  /** Masked in all output. @default the setting `<name>.url` */
  readonly url?: string | undefined;
  /** What to tell of. @default all */
  readonly events?: readonly NotifyEvent[];
  /** What is posted, as JSON. @default the news */
  readonly body?: (news: News) => unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Seconds. @default 10 */
  readonly timeout?: number;
  /** First part of the tasks' names, for a second recipe of this kind. @default 'notify' */
  readonly name?: Name;
}

/** Posts to a webhook when a deploy has started, finished or failed, and when a rollback is done. What fails here is a warning. */
export const notify = <const Name extends string = 'notify'>({
  url = '',
  events = EVENTS,
  body = (news) => news,
  headers = {},
  timeout = 10,
  name = 'notify' as Name,
}: NotifyOptions<Name> = {}) => {
  const address = setting(`${name}.url`, url);
  const tell = (event: NotifyEvent) => async (t: TaskContext) => {
    if (!events.includes(event)) return;
    const target = t.secret(await t.fetch(address));
    const news = await newsOf(event, t);
    t.detail(news.text);
    if (t.dryRun) return;
    try {
      if (target === '') throw new Error(`there is no URL: give \`url\`, or --set ${name}.url=…`);
      const answer = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body(news)),
        signal: AbortSignal.timeout(timeout * 1000),
      });
      if (!answer.ok) throw new Error(`the answer was ${answer.status} ${await answer.text()}`);
    } catch (error) {
      const { message, cause } = error as Error;
      t.warn(`${name}: '${event}' was not told: ${cause instanceof Error ? `${message}, ${cause.message}` : message}`);
    }
  };
  const tellTask = <E extends NotifyEvent>(event: E) =>
    task(`${name}:${event}`, `Tell that it has ${event}`, { locks: false, run: tell(event) });
  return defineRecipe({
    name,
    settings: [address],
    tasks: [tellTask('started'), tellTask('finished'), tellTask('failed'), tellTask('reverted')],
    // what puts a failure right runs on hosts that were switched, of which there may be none: so it is told before
    before: { 'deploy:failed': `${name}:failed` as const },
    after: {
      'deploy:started': `${name}:started` as const,
      'deploy:finished': `${name}:finished` as const,
      'deploy:finished_rollback': `${name}:reverted` as const,
    },
  });
};

const EVENTS = ['started', 'finished', 'failed', 'reverted'] as const;

const newsOf = async (event: NotifyEvent, t: TaskContext): Promise<News> => {
  const { settings, deployment } = t;
  const failures = [...t.failures()].map(([host, error]) => ({ host, error }));
  const made = event === 'finished' ? await deployment.artifact() : undefined;
  const facts = {
    ...{ event, application: settings.application, stage: settings.stage, by: deployment.by },
    ...(deployment.decided ? { release: deployment.release } : {}),
    ...(made ? { revision: made.revision, label: made.label } : {}),
    ...{ hosts: t.roles('all').map(({ name }) => name), failures },
  };
  return { ...facts, text: sentence(facts) };
};

const sentence = ({
  event,
  application,
  stage,
  by,
  release,
  revision,
  label,
  failures,
}: Omit<News, 'text'>): string => {
  const what = `${application} ${stage}${release === undefined ? '' : ` ${release}`}`;
  const from = revision === undefined ? '' : ` (${label}, ${revision.slice(0, 7)})`;
  const why = failures.map(({ host, error }) => `${host}: ${error.message} in ${error.task}`).join('; ');
  const words = {
    started: `${by} has started to deploy ${what}`,
    finished: `${by} has deployed ${what}${from}`,
    failed: `${by} could not deploy ${what}, which is being undone`,
    reverted: `${by} has rolled back ${what}`,
  }[event];
  return why === '' ? words : `${words}: ${why}`;
};
