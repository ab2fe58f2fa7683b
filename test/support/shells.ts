import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { findTool, needs } from './tools.ts';

/** A shell to try generated commands with. */
export interface Shell {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
}

export interface ShellResult {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Every kind of sh that hosts have and this machine has, too; call it once, at the top of a test file. BusyBox comes with its own mv, ln, tar and so on. */
export const findShells = (): Shell[] => {
  const shells: Shell[] = [];
  if (needs('dash')) shells.push({ name: 'dash', command: [findTool('dash')!, '-c'], env: process.env });
  if (needs('bash')) shells.push({ name: 'bash', command: [findTool('bash')!, '--posix', '-c'], env: process.env });
  if (needs('busybox'))
    shells.push({ name: 'busybox', command: [findTool('busybox')!, 'sh', '-c'], env: { PATH: applets() } });
  return shells;
};

/** Runs a text by a shell and waits; whatever it ended with is a value. */
export const runIn = (shell: Shell, text: string, cwd?: string): Promise<ShellResult> =>
  new Promise((resolve, reject) => {
    const [file, ...args] = shell.command;
    const child = spawn(file, [...args, text], { env: shell.env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (exitCode, signal) =>
      resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), exitCode, signal }),
    );
  });

/** A directory of links to busybox, one for each program that our commands call; removed after the tests of the file. */
const applets = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'rookery-busybox-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  for (const name of APPLETS) symlinkSync(findTool('busybox')!, join(dir, name));
  return dir;
};

const APPLETS =
  'awk cat chmod date df echo head kill ln ls mkdir mkfifo mv printf readlink rm rmdir sed sh sha256sum sleep tar test touch'.split(
    ' ',
  );
