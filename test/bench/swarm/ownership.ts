/** Directories and namespaces of the benchmark bear the process id of the run they belong to, so that a later run knows what nobody will remove. */
const PREFIX = 'rookery-swarm-';

/** What the names of this run's own things begin with. */
export const OWN = `${PREFIX}${process.pid}-`;

/** Whether something of this name was left by a run that was killed. */
export const isLeftover = (name: string): boolean => {
  if (!name.startsWith(PREFIX)) return false;
  const owner = Number.parseInt(name.slice(PREFIX.length), 10);
  return owner === process.pid || (owner > 0 && !isAlive(owner));
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
