import type { HostError } from '#protocol/events.ts';
import type { RunOptions } from '#recipe/remote.ts';

/** Why a command is ended before its time. */
export type Late = Pick<HostError, 'code' | 'message'>;

/** Tells when a command takes longer than it may, whole or without a word. */
export const watchTime = ({ timeout, idleTimeout }: RunOptions, tell: (late: Late) => void) => {
  const after = (seconds: number | undefined, message: string) =>
    seconds === undefined ? undefined : setTimeout(() => tell({ code: 'timeout', message }), seconds * 1000);
  const whole = after(timeout, `still running after ${timeout} s (timeout): it was ended`);
  const silence = () => after(idleTimeout, `no output for ${idleTimeout} s (idleTimeout): it was ended`);
  let idle = silence();
  return {
    heard: (): void => {
      clearTimeout(idle);
      idle = silence();
    },
    end: (): void => {
      clearTimeout(whole);
      clearTimeout(idle);
    },
  };
};

/** Those of a command that has not begun. */
export const NO_LIMITS: ReturnType<typeof watchTime> = { heard: () => {}, end: () => {} };
