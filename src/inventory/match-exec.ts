import { spawnSync } from 'node:child_process';

/** Runs commands of `Match exec`, each once: true for exit code 0. They run in the user's shell, one after the other, as ssh does it. */
export const runsWell = (env: Readonly<Record<string, string | undefined>>): ((command: string) => boolean) => {
  const answers = new Map<string, boolean>();
  return (command) => {
    const known = answers.get(command);
    if (known !== undefined) return known;
    const { status } = spawnSync(env.SHELL || '/bin/sh', ['-c', command], { env: { ...env }, stdio: 'ignore' });
    answers.set(command, status === 0);
    return status === 0;
  };
};
