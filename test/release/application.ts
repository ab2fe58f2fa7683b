import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, failedStep, shellText } from '#protocol/shell.ts';
import { parseHostState, prepareHost } from '#release/inspect.ts';
import { runIn, type Shell } from '../support/shells.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

/** An application's directory on a "host" that is this machine, and a shell to run commands on it. */
export interface Application {
  readonly deployTo: string;
  /** Runs a command that must succeed, and returns what it printed. */
  readonly run: (command: Command) => Promise<string>;
  /** Runs a command that must fail. */
  readonly refused: (command: Command) => Promise<{ step?: string; stderr: string }>;
  readonly state: () => Promise<ReturnType<typeof parseHostState>>;
  /** Makes a release as another deploy left it: a directory, and a record where `record` says what is in it. */
  readonly addRelease: (name: string, record?: string) => Promise<string>;
  readonly remove: () => Promise<void>;
}

export const linked = { linkedFiles: [".env it's", 'config/db.yml'], linkedDirs: ['log', 'public/up loads'] };

/** Prepares an application directory as deploy:check does. */
export const makeApplication = async (shell: Shell, name = 'shop'): Promise<Application> => {
  const root = await makeTempDir('release');
  const deployTo = join(root, name);
  const tried = (command: Command) => runIn(shell, shellText(command), root);
  const run = async (command: Command) => {
    const { stdout, stderr, exitCode } = await tried(command);
    if (exitCode !== 0 || stderr !== '') throw new Error(`exit code ${exitCode}: ${stderr}`);
    return stdout.toString();
  };
  await run(prepareHost(deployTo, linked));
  return {
    deployTo,
    run,
    refused: async (command) => {
      const { stderr, exitCode } = await tried(command);
      if (exitCode === 0) throw new Error('the command succeeded');
      return failedStep(command, stderr);
    },
    state: async () => parseHostState(await run(prepareHost(deployTo, linked))),
    addRelease: async (release, record) => {
      const path = join(deployTo, 'releases', release);
      await mkdir(path);
      if (record !== undefined) await writeFile(join(deployTo, '.rookery/releases', release), record);
      return path;
    },
    remove: () => removeTempDir(root),
  };
};

/** Names of application directories that a shell could stumble over. */
export const NAMES = ['shop', 'it\'s a `$HOME` *"shop"\\n (1)'];
