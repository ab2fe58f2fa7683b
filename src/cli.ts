#!/usr/bin/env node
import { main } from '#command/command-line.ts';

/** The only place that touches the process: arguments and surroundings in, an exit code out. */
const exitCode = await main({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  execPath: process.execPath,
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  onSignal: (take) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => take(name));
  },
  endNow: (code) => process.exit(code),
});
process.exit(exitCode); // nothing that a library left open may keep the shell waiting
