import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory that nobody else can read, and the programs that shall not outlive us. A small shell keeps both: when its
 * stdin ends, because we have come to an end or were killed, it ends what still runs and removes the directory.
 */
export interface Keeper {
  readonly directory: string;
  /** Ends a program with us, until it has ended by itself. */
  keep(child: ChildProcess): void;
  /** Ends what still runs, removes the directory. */
  close(): Promise<void>;
}

export const startKeeper = async (): Promise<Keeper> => {
  const directory = await mkdtemp(join(place(tmpdir()), 'rookery-'));
  const shell = spawn('/bin/sh', ['-c', KEEP, 'rookery-keeper', directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.stdin?.on('error', () => {});
  const ended = once(shell, 'close');
  ended.catch(() => {});
  const tell = (line: string) => void shell.stdin?.write(`${line}\n`);
  return {
    directory,
    keep: (child) => {
      if (child.pid === undefined) return;
      tell(`+ ${child.pid}`);
      child.once('exit', () => tell(`- ${child.pid}`));
    },
    close: async () => {
      shell.stdin?.end();
      await ended;
    },
  };
};

/** ssh adds 17 characters to the name of a socket while it makes it, and such names have 104 at the most (sun_path). */
const place = (temporary: string): string => (temporary.length <= 60 ? temporary : '/tmp');

const KEEP = `while read -r sign pid; do
  case $sign in
    +) kept="$kept $pid" ;;
    -) left=; for one in $kept; do [ "$one" = "$pid" ] || left="$left $one"; done; kept=$left ;;
  esac
done
[ -z "$kept" ] || kill $kept
rm -rf "$1"`;
