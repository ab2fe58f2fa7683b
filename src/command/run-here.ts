import { spawn } from 'node:child_process';
import { type Command, failedStep, shellText } from '#protocol/shell.ts';

/**
 * Runs a command for hosts on this machine. It leads a process group of its own, so that Ctrl-C, which a terminal sends
 * to everybody, does not end it halfway. Rejects with the step that failed and what it said.
 */
export const runHere = (command: Command): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', shellText(command)], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-LAST_CHARACTERS);
    });
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      if (exitCode === 0) return resolve();
      const { step, stderr } = failedStep(command, said);
      reject(new Error([step, stderr.trim() || (signal ?? `exit code ${exitCode}`)].filter(Boolean).join(': ')));
    });
  });

const LAST_CHARACTERS = 4000;
