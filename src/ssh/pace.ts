import type { Target } from '#inventory/host.ts';
import { ConnectFailed } from './connect-failed.ts';

/**
 * sshd drops connections while too many wait to log in (MaxStartups, by default from the tenth on), and says nothing of
 * it. So few at a time go to one sshd, half as many after each drop and then slowly more, and who was dropped tries again a little later.
 */
export const makePace = (): (<T>(target: Target, signal: AbortSignal, attempt: () => Promise<T>) => Promise<T>) => {
  const lanes = new Map<string, ReturnType<typeof makeLane>>();
  return async (target, signal, attempt) => {
    const key = doorOf(target);
    const lane = lanes.get(key) ?? makeLane();
    lanes.set(key, lane);
    let begun: number | undefined;
    for (let tries = 1; ; tries += 1) {
      const leave = await lane.enter();
      begun ??= performance.now();
      try {
        if (signal.aborted) throw new ConnectFailed('connect', 'interrupted');
        const result = await attempt();
        lane.widen();
        return result;
      } catch (error) {
        const late = performance.now() - begun > target.ssh.connectTimeout * 1000;
        if (!(error instanceof ConnectFailed) || !error.dropped || tries >= MAX_TRIES || late || signal.aborted)
          throw error;
        lane.narrow();
      } finally {
        leave();
      }
      await pause(FIRST_PAUSE * 2 ** (tries - 1) * (0.5 + Math.random()), signal);
    }
  };
};

const AT_ONCE = 8;
const MAX_TRIES = 6;
/** Milliseconds before the second try; then twice as many each time. */
const FIRST_PAUSE = 100;

/** Those who come to the same sshd: by the same address, or by the same command, which is likely to log in somewhere for each. */
const doorOf = ({ address, port, ssh }: Target): string =>
  ssh.proxyCommand === undefined
    ? `${address}:${port}`
    : `${ssh.settings.find(({ name }) => name === 'ProxyCommand')?.value}`;

/** So many may be inside at a time. */
const makeLane = () => {
  let inside = 0;
  let width = AT_ONCE;
  const waiting: (() => void)[] = [];
  const admit = () => {
    while (inside + 1 <= width && waiting.length > 0) {
      inside += 1;
      waiting.shift()?.();
    }
  };
  return {
    enter: async (): Promise<() => void> => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      return () => {
        inside -= 1;
        admit();
      };
    },
    narrow: () => {
      width = Math.max(1, width / 2);
    },
    widen: () => {
      width = Math.min(AT_ONCE, width + 0.25);
    },
  };
};

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
