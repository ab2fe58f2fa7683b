import { type Command, type ShellText, sh, shellText } from '#protocol/shell.ts';

/**
 * Signals of the SSH protocol do not reach everybody: OpenSSH before 7.9 knows none, and later ones refuse them to root.
 * So a command, or the shell of the host for all in it, first tells the number of its process group, on stderr, and to end it another command sends the signal:
 * to the whole group, because a shell that is killed leaves its children behind. What has detached itself goes on.
 */
export const tellingGroup = (command: Command): ShellText => ({
  kind: 'shell',
  text: `echo ${MARK}$$ >&2\n${shellText(command)}`,
});

const MARK = 'rookery-group:';

/** Signals a process group; where the number is a process's alone, that process. */
export const signalGroup = (group: number, signal: 'TERM' | 'KILL' | 'INT'): Command =>
  sh`kill -s ${signal} -- -${group} || kill -s ${signal} ${group}`;

/** Takes the group's number out of a command's stderr and passes on the rest; a noisy profile may come before it. */
export const takeGroup = (found: (group: number) => void, pass: (text: string) => void) => {
  let held: string | undefined = '';
  const release = (text: string): void => {
    held = undefined;
    if (text !== '') pass(text);
  };
  return {
    write: (text: string): void => {
      if (held === undefined) {
        pass(text);
        return;
      }
      held += text;
      const match = held.match(/rookery-group:(\d+)\n/);
      if (!match) return;
      found(Number(match[1]));
      release(held.replace(match[0], ''));
    },
    end: (): void => release(held ?? ''),
  };
};
