#!/usr/bin/env node
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheOf } from '#command/surroundings.ts';

// Node 22 and newer keep compiled code from run to run; where the directory cannot be written they do without.
const { enableCompileCache } = module as { enableCompileCache?(directory: string): unknown };
enableCompileCache?.(join(cacheOf(process.env, homedir()), 'compiled'));

/** The only place that touches the process: arguments and surroundings in, an exit code out. */
const { main } = await import('#command/command-line.ts');
const exitCode = await main({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  execPath: process.execPath,
  nodeVersion: process.versions.node,
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  onSignal: (take) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => take(name));
  },
  onStray: (take) => {
    process.on('uncaughtException', (error) => take(error));
    process.on('unhandledRejection', take);
  },
  endNow: (code) => process.exit(code),
});
process.exit(exitCode); // nothing that a library left open may keep the shell waiting
