import { spawn } from 'node:child_process';
import { ConnectFailed, noAnswer } from '#ssh/connect-failed.ts';
import { where } from '#ssh/where.ts';
import type { Askpass } from './askpass.ts';
import { explainLogin, notWritten } from './explain-login.ts';
import type { Keeper } from './keeper.ts';
import { type MasterOptions, masterWords, READY } from './options.ts';
import type { Questions, Told } from './questions.ts';

/** A running control master: one connection to a host. */
export interface Master {
  readonly socket: string;
  /** Resolves when it has ended, to ssh's last words. */
  readonly gone: Promise<string>;
  /** Whether it has ended. */
  isGone(): boolean;
  /** What it has said on stderr since it is logged in. */
  said(): string;
  end(): Promise<void>;
}

interface MasterParts {
  readonly keeper: Keeper;
  readonly askpass: Askpass;
  readonly questions: Questions;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes what a person at this machine shall do, as to touch a key. */
  readonly notify: (text: string) => void;
}

/** Starts `ssh` as a control master. It leads a process group of its own: Ctrl-C is not for it, since it is needed to tidy up. @throws ConnectFailed */
export const startMaster = (options: MasterOptions, parts: MasterParts, signal: AbortSignal): Promise<Master> =>
  new Promise((resolve, reject) => {
    const { target } = options;
    const told: Told = new Map();
    let failure: ConnectFailed | undefined;
    const fail = (error: ConnectFailed) => {
      failure ??= error;
      child.kill();
    };
    const stop = () => fail(new ConnectFailed('connect', `cannot reach ${where(target)}: interrupted`));
    const patience = makePatience(target.ssh.connectTimeout, () => fail(noAnswer(target)));
    const variables = parts.askpass.variables(async (prompt, done) => {
      if (!done) return patience.hold(parts.questions.answer(prompt, target, told));
      parts.notify(`${target.name}: ${prompt}`);
      return void (await patience.hold(done));
    });
    const child = spawn('ssh', masterWords(options), {
      ...{ detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
      env: { ...parts.env, ...variables },
    });
    parts.keeper.keep(child);
    signal.addEventListener('abort', stop, { once: true });

    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-LAST_CHARACTERS);
    });
    const gone = new Promise<string>((ended) => {
      child.once('error', () => ended('ssh cannot be started'));
      child.once('close', () => ended(lastWords(stderr)));
      child.once('exit', () => setTimeout(() => ended(lastWords(stderr)), LAST_WORDS_MS).unref()); // its ProxyCommand may hold the pipe
    });
    let open = false;
    let over = false;
    void gone.then(() => {
      over = true;
      settle();
      if (!open) void (failure ? Promise.resolve(failure) : explainLogin(target, stderr)).then(reject);
    });
    const settle = () => {
      patience.end();
      signal.removeEventListener('abort', stop);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (open || !text.includes(READY)) return;
      const unwritten = notWritten(target, stderr);
      if (unwritten) return fail(unwritten);
      settle();
      open = true;
      stderr = '';
      const end = async () => {
        child.kill();
        await gone;
      };
      resolve({ socket: options.socket, gone, isGone: () => over, said: () => stderr, end });
    });
    if (signal.aborted) stop();
  });

const LAST_CHARACTERS = 8000;
const LAST_WORDS_MS = 500;

const lastWords = (stderr: string): string =>
  stderr
    .split(/[\r\n]+/)
    .filter((line) => line !== '' && !/^channel \d+: /.test(line))
    .slice(-2)
    .join('; ');

/** ssh ends by itself where a connection cannot be made in time; a host that is silent after that is not waited for either, but a person is. */
const makePatience = (seconds: number, tell: () => void) => {
  const wait = () => setTimeout(tell, (seconds + 1) * 1000);
  let timer = wait();
  let held = 0;
  return {
    hold: async <T>(work: Promise<T>): Promise<T> => {
      held += 1;
      clearTimeout(timer);
      try {
        return await work;
      } finally {
        held -= 1;
        if (held === 0) timer = wait();
      }
    },
    end: () => clearTimeout(timer),
  };
};
