import { defineRecipe, type RoleName, task, UserError } from 'rookery';
import { askDeployer, askHost, type HttpQuestion } from 'rookery/recipes/http';
import type { HostWork } from 'rookery/recipes/rolling';

export interface ResponseOptions {
  /** As the one who asks sees it: 'http://127.0.0.1:3000/up'. For the deployer `{host}` stands for the host's address. */
  readonly url: string;
  /** Who asks: the host itself, by its curl, wget or node; or this machine. @default 'host' */
  readonly from?: 'host' | 'deployer';
  /** @default 200 */
  readonly status?: number;
  /** Text that the answer has to hold. @default any */
  readonly text?: string;
  /** How often it is asked before the host has failed. @default 10 */
  readonly attempts?: number;
  /** Seconds between two attempts. @default 2 */
  readonly interval?: number;
  /** Seconds that one attempt may take. @default 5 */
  readonly timeout?: number;
}

export interface HealthOptions extends ResponseOptions {
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
}

/** Asks every host over HTTP once a release serves; a host that does not answer as it shall has failed, and the release is switched back. */
export const health = ({ roles, ...options }: HealthOptions) =>
  defineRecipe({
    name: 'health',
    tasks: [
      task('health:check', 'Wait for the application to respond', {
        ...{ locks: false, release: true, ...(roles === undefined ? {} : { roles }) },
        run: (t) => t.on(t.hosts, (host) => responds(options)(host, t)),
      }),
    ],
    after: { 'deploy:publishing': 'health:check' },
  });

/** Waits for a host to respond as it shall; for `check` of a rolling restart too. @throws UserError with what it did instead */
export const responds =
  ({
    url,
    from = 'host',
    status = 200,
    text = '',
    attempts = 10,
    interval = 2,
    timeout = 5,
  }: ResponseOptions): HostWork =>
  async (host, t) => {
    const question: HttpQuestion = { url, status, text, timeout };
    for (let attempt = 1; ; attempt++) {
      const wrong = await (from === 'host' ? askHost(host, question) : askDeployer(host, t, question));
      if (wrong === undefined) return;
      if (attempt >= attempts) throw new UserError(`${url}: ${wrong} (asked ${attempts} times)`);
      await new Promise((resolve) => setTimeout(resolve, interval * 1000));
    }
  };
