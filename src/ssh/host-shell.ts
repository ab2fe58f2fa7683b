import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { RemoteProcess } from '#recipe/remote.ts';

/**
 * One shell of a host for many commands, one after the other. Every session of sshd's costs the host a process of sshd's, the user's
 * login shell and a `sh`, and the deployer two round trips; in a shell that is there it is one fork, and one round trip.
 */
export interface HostShell {
  /** Whether a command would be run at once. */
  isFree(): boolean;
  /** Runs a text, which must take no input and leave nothing running; opens the shell where there is none. Rejects with what `open` rejects with. */
  exec(text: string): Promise<RemoteProcess>;
  /** Ends it as soon as what it runs has ended, and resolves then; the next command opens another one. */
  leave(): Promise<void>;
}

type Ending = Awaited<RemoteProcess['exit']>;

/** @param open opens a session that runs this text for a POSIX sh */
export const makeHostShell = (open: (text: string) => Promise<RemoteProcess>): HostShell => {
  let shell: Promise<Conversation> | undefined;
  let busy = false;

  const enter = (): Promise<Conversation> => {
    const entered = open('exec /bin/sh').then((program) => converse(program, gone));
    const gone = () => {
      if (shell === entered) shell = undefined;
    };
    entered.catch(gone);
    return entered;
  };
  return {
    isFree: () => !busy,
    exec: async (text) => {
      busy = true;
      shell ??= enter();
      try {
        const program = (await shell).exec(text);
        void program.exit.then(() => {
          busy = false;
        });
        return program;
      } catch (error) {
        busy = false;
        throw error;
      }
    },
    leave: async () => {
      const left = shell;
      shell = undefined;
      await left?.then(({ end }) => end()).catch(() => {}); // there was none
    },
  };
};

interface Conversation {
  exec(text: string): RemoteProcess;
  end(): Promise<unknown>;
}

/** Talks to a `sh` that reads its commands from its input, and says on both outputs where what one of them wrote has ended. */
const converse = (shell: RemoteProcess, gone: () => void): Conversation => {
  let current: { readonly stdout: Part; readonly stderr: Part } | undefined;
  const mark = `rookery-${randomBytes(8).toString('hex')}:`;
  let end: Ending | undefined;
  void shell.exit.then((ending) => {
    end = ending;
    gone();
    current?.stdout.cut();
    current?.stderr.cut();
  });
  shell.stdin.on('error', () => {}); // its end tells
  shell.stdout.on('data', (chunk: Buffer) => current?.stdout.take(chunk));
  shell.stderr.on('data', (chunk: Buffer) => current?.stderr.take(chunk));
  return {
    exec: (text) => {
      const [stdout, stderr] = [makePart(mark), makePart(mark)];
      current = { stdout, stderr };
      shell.stdin.write(
        `(\n${text}\n) </dev/null; s=$?; printf '\\n%s%s\\n' ${mark} $s; printf '\\n%s%s\\n' ${mark} $s >&2\n`,
      );
      const exit = Promise.all([finished(stdout.stream), finished(stderr.stream)]).then(() => {
        const code = stdout.code() ?? stderr.code();
        return code === undefined ? (end as Ending) : { exitCode: code, signal: null };
      });
      return { stdin: NOBODY, stdout: stdout.stream, stderr: stderr.stream, exit, signal: shell.signal };
    },
    end: () => {
      shell.stdin.end();
      return shell.exit;
    },
  };
};

/** Takes no input. */
const NOBODY = new PassThrough().resume().end();

interface Part {
  readonly stream: Readable;
  take(chunk: Buffer): void;
  /** The exit code that stood at its end. */
  code(): number | undefined;
  /** Ends it where the shell has ended first. */
  cut(): void;
}

/** What one command writes to one output: all before the mark. A piece that may be its beginning is held back. */
const makePart = (mark: string): Part => {
  const stream = new PassThrough();
  const sought = Buffer.from(`\n${mark}`);
  let held: Buffer = Buffer.alloc(0);
  let code: number | undefined;
  return {
    stream,
    take: (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const at = held.indexOf(sought);
      if (at === -1) {
        const sure = Math.max(0, held.length - sought.length + 1);
        if (sure > 0) stream.write(held.subarray(0, sure));
        held = held.subarray(sure);
        return;
      }
      const rest = held.subarray(at + sought.length).toString('latin1');
      if (!rest.endsWith('\n') || code !== undefined) return;
      code = Number(rest);
      stream.end(held.subarray(0, at));
    },
    code: () => code,
    cut: () => {
      if (code === undefined) stream.end(held);
    },
  };
};
