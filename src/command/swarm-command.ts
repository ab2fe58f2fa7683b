import { UserError } from '#recipe/user-error.ts';
import type { ProcessLike } from './surroundings.ts';
import { parseSwarmArguments, type SwarmArguments } from './swarm-arguments.ts';
import { openSwarmOutput, type SwarmFact, type SwarmSummary } from './swarm-output.ts';

/** What the parts of a swarm work with. */
export interface SwarmWork {
  /** The working directory. */
  readonly from: string;
  readonly stdin: ProcessLike['stdin'];
  readonly tell: (fact: SwarmFact) => void;
  /** Aborted by the first signal; a second one ends the program. */
  readonly signal: AbortSignal;
}

/** What a part adds to the summary when it has done its work. */
export type SwarmResult = Pick<SwarmSummary, 'infoHash' | 'path' | 'downloaded' | 'uploaded'>;

/** `deploy swarm create|track|seed|fetch`: the parts of a swarm, for other people's automation. Resolves to the exit code. */
export const runSwarmCommand = async (argv: readonly string[], proc: ProcessLike): Promise<number> => {
  const args = await parseSwarmArguments(argv);
  if ('text' in args) {
    proc.stdout.write(`${args.text}\n`);
    return 0;
  }
  const begun = performance.now();
  const output = openSwarmOutput(args.format, proc);
  const interrupted = new AbortController();
  proc.onSignal(() => {
    if (interrupted.signal.aborted) proc.endNow(130);
    interrupted.abort();
  });
  const work = { from: proc.cwd, stdin: proc.stdin, tell: output.tell, signal: interrupted.signal };
  try {
    const end = await runPart(args, work).then(done, (error) => failed(error, work.signal));
    const seconds = (performance.now() - begun) / 1000;
    const { exitCode, ...more } = end;
    output.tell({ type: 'summary', ok: exitCode === 0, exitCode, task: `swarm ${args.command}`, seconds, ...more });
    return exitCode;
  } finally {
    await output.close();
  }
};

/** Each part loads what it needs, and no more. */
const runPart = async (args: SwarmArguments, work: SwarmWork): Promise<SwarmResult> => {
  switch (args.command) {
    case 'create':
      return (await import('./swarm-create.ts')).createTorrent(args, work);
    case 'track':
      return (await import('./swarm-track.ts')).track(args, work);
    case 'seed':
      return (await import('./swarm-seed.ts')).seed(args, work);
    case 'fetch':
      return (await import('./swarm-fetch.ts')).fetchContent(args, work);
  }
};

const done = (result: SwarmResult) => ({ exitCode: 0, ...result });

/** What was under way when the signal came may fail in a way of its own. */
const failed = (error: Error, signal: AbortSignal) => {
  if (signal.aborted) return { exitCode: 130, error: { message: 'interrupted' } };
  if (!(error instanceof UserError)) throw error;
  return { exitCode: error.exitCode, error: { message: error.message } };
};
