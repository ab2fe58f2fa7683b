import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setImmediate as afterOthers, setTimeout as pause } from 'node:timers/promises';
import { type Command, shellText } from '#protocol/shell.ts';
import type { RemoteProcess } from '#recipe/remote.ts';
import { begunMark } from './begun-mark.ts';
import { takeGroup, tellingGroup } from './process-group.ts';

/**
 * One shell of a host for many commands, one after the other. Every session of sshd's costs the host a process of sshd's, the user's
 * login shell and a `sh`, and the deployer two round trips; in a shell that is there it is one fork, and one round trip.
 */
export interface HostShell {
  /** Whether a command would be run at once; one with an input only where the shell is ready. */
  isFree(hasInput: boolean): boolean;
  /** Opens the shell ahead of the first command, after whatever is asked for in the same moment; where that fails, the first command opens one. */
  enter(open: Open): void;
  /**
   * Runs a text, which must leave nothing running, and must have taken all of its input when it ends well.
   * @param open rejects as this does, where there is no shell yet
   * @param check throws where the command is not wanted any more, once it has waited for the shell
   */
  exec(text: string, open: Open, check: () => void, input?: Input): Promise<RemoteProcess>;
  /** Ends it as soon as what it runs has ended, and resolves then; the next command opens another one. */
  leave(): Promise<void>;
}

/** Opens a session that runs a text for a POSIX sh. */
type Open = (text: string) => Promise<RemoteProcess>;

type Input = string | Uint8Array;

type Ending = Awaited<RemoteProcess['exit']>;

/** Whoever has to know which process group the commands run in. */
interface Groups {
  readonly entered: (group: number) => void;
  readonly left: (group: number) => void;
}

export const makeHostShell = ({ entered, left }: Groups): HostShell => {
  let shell: Conversation | undefined;
  let ready = false; // its first command has ended
  let busy = false;
  let entering: Promise<unknown> = Promise.resolve();
  let leaving: Promise<unknown> = Promise.resolve();

  const forget = (ended: Conversation): void => {
    if (shell !== ended) return;
    shell = undefined;
    ready = false;
  };
  /** The first command comes with the shell: what the user's profile does with the input is over when it has ended. */
  const openWith = async (text: string, open: Open): Promise<RemoteProcess> => {
    const mark = `rookery-${randomBytes(8).toString('hex')}`;
    const program = await open(shellText(tellingGroup(withShell(text, mark))));
    let group: number | undefined;
    const opened = converse(program, mark, (told) => {
      group = told;
      entered(told);
    });
    shell = opened;
    void program.exit.then(() => {
      forget(opened);
      if (group !== undefined) left(group);
    });
    const first = opened.hear();
    void first.exit.then(() => {
      if (shell === opened) ready = true;
    });
    return first;
  };
  const execIn = (opened: Conversation, text: string, input: Input | undefined): RemoteProcess => {
    const program = opened.exec(text, input);
    if (input !== undefined) void program.exit.then(({ exitCode }) => exitCode === 0 || forget(opened)); // it ends
    return program;
  };
  return {
    isFree: (hasInput) => !busy && (ready || !hasInput),
    enter: (open) => {
      const opened = afterOthers()
        .then(() => openWith(':', open))
        .then(({ stdout, stderr, exit }) => {
          for (const output of [stdout, stderr]) output.resume(); // unread, it does not end
          return exit;
        });
      entering = opened.catch(() => {});
    },
    exec: async (text, open, check, input) => {
      busy = true;
      const free = () => {
        busy = false;
      };
      try {
        if (!ready) await Promise.race([entering, pause(PATIENCE, undefined, { ref: false })]);
        check();
        if (!ready) void shell?.end();
        const program = shell && ready ? execIn(shell, text, input) : await openWith(text, open);
        void program.exit.then(free);
        return program;
      } catch (error) {
        free();
        throw error;
      }
    },
    leave: async () => {
      const ending = shell;
      shell = undefined;
      ready = false;
      if (ending) leaving = Promise.all([leaving, ending.end()]);
      await leaving;
    },
  };
};

/** Milliseconds that a shell has to be there when it was opened ahead. */
const PATIENCE = 5000;

/** Runs a command by itself, and says on both outputs where what it wrote has ended, and its exit code. */
const framed = (command: string, mark: string): string =>
  `${command}; s=$?; printf '%s:%s\\n' ${mark} $s; printf '%s:%s\\n' ${mark} $s >&2`;

/** What a command has left of its input when it fails must not be read as commands. */
const UNLESS_ALL_IS_READ = '[ "$s" = 0 ] || exit';

/**
 * The first command, and then those that it reads, as often as a line is the mark, in the same shell. One that is not the leader
 * of its process group, because a wrapper started it, could be ended without what runs in it: it runs the first alone, as it is.
 */
const withShell = (text: string, mark: string): Command => ({
  kind: 'shell',
  text: `rookery_first() {
${text}
}
if kill -s 0 -- -$$ 2>/dev/null; then
  ${framed('(rookery_first) </dev/null', mark)}
  unset TMOUT # bash's read would have a limit
  c=
  while IFS= read -r l; do
    case $l in
      ${mark}) eval "$c"; c=;;
      ${mark}!) c=;;
      *) c="$c$l
";;
    esac
  done
else rookery_first </dev/null; fi`,
});

interface Conversation {
  exec(text: string, input: Input | undefined): RemoteProcess;
  /** The command that it was opened with. */
  hear(): RemoteProcess;
  end(): Promise<unknown>;
}

const converse = (shell: RemoteProcess, mark: string, found: (group: number) => void): Conversation => {
  let current: { readonly stdout: Part; readonly stderr: Part } | undefined;
  let end: Ending | undefined;
  const told = takeGroup(found, (text) => current?.stderr.take(text));
  void shell.exit.then((ending) => {
    end = ending;
    told.end();
    current?.stdout.cut();
    current?.stderr.cut();
  });
  shell.stdin.on('error', () => {}); // its end tells
  shell.stdout.setEncoding('latin1').on('data', (text: string) => current?.stdout.take(text));
  shell.stderr.setEncoding('latin1').on('data', told.write);
  const hear = (first: boolean): RemoteProcess => {
    const [stdout, stderr] = [makePart(mark), makePart(mark)];
    current = { stdout, stderr };
    const exit = Promise.all([finished(stdout.stream), finished(stderr.stream)]).then(() => {
      const code = stdout.code() ?? stderr.code();
      if (code !== undefined) return { exitCode: code, signal: null };
      return end?.exitCode === 0 && !first ? UNKNOWN : (end as Ending);
    });
    return { stdin: NOBODY, stdout: stdout.stream, stderr: stderr.stream, exit, signal: shell.signal };
  };
  return {
    hear: () => hear(true),
    exec: (text, input) => {
      const wanted = `(\n${text}\n)`;
      const lines =
        input === undefined ? [framed(`${wanted} </dev/null`, mark)] : [framed(wanted, mark), UNLESS_ALL_IS_READ];
      shell.stdin.write(`\n${[`${mark}!`, ...lines, mark].join('\n')}\n`); // what a command has left of its input is none of the next
      if (input !== undefined) shell.stdin.write(input);
      return hear(false);
    },
    end: () => {
      shell.stdin.end();
      return shell.exit;
    },
  };
};

/** The shell has ended well, and may have done so before it came to a command. */
const UNKNOWN: Ending = { exitCode: null, signal: null };

/** Takes no input. */
const NOBODY = new PassThrough().resume().end();

interface Part {
  readonly stream: Readable;
  /** @param text one character a byte */
  take(text: string): void;
  /** The exit code that stood at its end. */
  code(): number | undefined;
  /** Ends it where the shell has ended first. */
  cut(): void;
}

/** What one command writes to one output: all before the mark. What may be its beginning is held back. */
const makePart = (mark: string): Part => {
  const stream = new PassThrough();
  const sought = `${mark}:`;
  let held = '';
  let code: number | undefined;
  return {
    stream,
    take: (text) => {
      held += text;
      const at = held.indexOf(sought);
      if (at === -1) {
        const sure = held.length - begunMark(held, sought);
        if (sure > 0) stream.write(held.slice(0, sure), 'latin1');
        held = held.slice(sure);
        return;
      }
      const rest = held.slice(at + sought.length);
      if (!rest.endsWith('\n') || code !== undefined) return;
      code = Number(rest);
      stream.end(held.slice(0, at), 'latin1');
    },
    code: () => code,
    cut: () => {
      if (code === undefined) stream.end(held, 'latin1');
    },
  };
};
