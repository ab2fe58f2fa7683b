/** The built program on a terminal of its own, for what it only does where somebody is there. Needs `script`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CLI } from './cli.ts';
import type { Project } from './project.ts';

/** Types each text when its cue shows up, one after the other. Resolves at the end of the program; one that waits for more is ended, and shown. */
export const onTerminal = async (
  project: Project,
  words: string,
  typing: readonly (readonly [cue: string, typed: string])[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ readonly exitCode: number; readonly screen: string }> => {
  const { SSH_AUTH_SOCK: _, ...own } = process.env;
  const env = { ...own, TERM: 'xterm', HOME: project.dir, TMPDIR: join(project.dir, '.git/tmp'), ...more };
  const command = `'${process.execPath}' '${CLI}' production ${words}`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: project.dir, env });
  let [screen, unread] = ['', ''];
  const waiting = [...typing];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      screen += part;
      unread += part;
      const [cue, typed] = waiting[0] ?? [];
      if (cue === undefined || !unread.includes(cue)) return;
      waiting.shift();
      unread = '';
      child.stdin.write(typed);
    });
  }
  const patience = setTimeout(() => child.kill(), PATIENCE);
  const [exitCode, signal] = (await once(child, 'close')) as [number, string | null];
  clearTimeout(patience);
  if (signal !== null)
    throw new Error(`No end; not yet seen: ${waiting.map(([cue]) => cue)}; on the screen:\n${screen}`);
  return { exitCode, screen };
};

const PATIENCE = 90_000; // ms, less than a test has
