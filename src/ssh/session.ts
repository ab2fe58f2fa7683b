import type { ClientChannel, SFTPWrapper } from 'ssh2';
import type { Host } from '#inventory/host.ts';
import { type Command, failedStep, quote, sh, shellText } from '#protocol/shell.ts';
import {
  type CommandResult,
  commandFailure,
  type Remote,
  type RemoteProcess,
  type RunOptions,
} from '#recipe/remote.ts';
import type { Connection } from './connect.ts';

/** A logged-in host: one connection, as many channels as there are commands at the moment. */
export interface Session extends Remote {
  readonly host: Host;
  /** Ends every command that `run` is waiting for, by TERM, then KILL; programs that were spawned are their starters' matter. */
  interrupt(): void;
  /** Ends the connection; commands still running on the host lose their channels. */
  close(): Promise<void>;
}

/** Makes a `Remote` of a connection. */
export const makeSession = (host: Host, { client, addresses }: Connection): Session => {
  const running = new Set<ClientChannel>();
  let closed = false;
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  void gone.then(() => {
    closed = true;
  });

  const open = (command: Command, redirection = ''): Promise<Opened> =>
    new Promise((resolve, reject) => {
      const lost = () =>
        reject(commandFailure(host.name, { exitCode: null, signal: null, label: shellText(command), stderr: '' }));
      if (closed) return lost();
      void gone.then(lost);
      client.exec(`exec /bin/sh -c ${quote(shellText(command))}${redirection}`, (error, channel) =>
        error ? lost() : resolve({ channel, end: channelEnd(channel) }),
      );
    });

  const run = async (command: Command, options: RunOptions = {}): Promise<CommandResult> => {
    const begun = performance.now();
    const opened = await open(command, options.stdin === undefined ? ' </dev/null' : '');
    const { channel } = opened;
    running.add(channel);
    const { stdout, stderr, end } = await collect(opened, options).finally(() => running.delete(channel));
    const seconds = (performance.now() - begun) / 1000;
    if (end.exitCode === 0) return { stdout, stderr, seconds };
    const failed = failedStep(command, stderr);
    throw commandFailure(host.name, {
      ...end,
      label: options.label ?? failed.step ?? shellText(command),
      stdout,
      stderr: failed.stderr,
    });
  };

  return {
    host,
    addresses,
    run,
    spawn: async (command) => asProcess(await open(command)),
    write: async (path, content, mode = 0o600) => {
      const part = `${path}.part`;
      const store = sh`umask 077; cat > ${part} && [ "$(wc -c < ${part})" -eq ${content.length} ] && chmod ${mode.toString(8)} ${part} && mv -f ${part} ${path} || { rm -f ${part}; exit 1; }`;
      await run(store, { stdin: content, label: `write ${path}` });
    },
    sendFile: async (localPath, path, progress) => {
      const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
        client.sftp((error, opened) => (error ? reject(error) : resolve(opened))),
      );
      try {
        await new Promise<void>((resolve, reject) => {
          void gone.then(() => reject(new Error('the connection was lost')));
          sftp.fastPut(localPath, path, { mode: 0o600, step: progress }, (error) =>
            error ? reject(error) : resolve(),
          );
        });
      } finally {
        sftp.end();
      }
    },
    interrupt: () => {
      for (const channel of running) {
        channel.signal('TERM');
        setTimeout(() => running.has(channel) && channel.signal('KILL'), PATIENCE).unref();
      }
    },
    close: async () => {
      client.end();
      const stuck = setTimeout(() => client.destroy(), 1000); // the other side is gone without a word
      await (closed || gone);
      clearTimeout(stuck);
    },
  };
};

/** Milliseconds that a command has to end after TERM. */
const PATIENCE = 5000;

/** A command's channel. Its end is listened for from the start: a quick command ends in the packet that opens it. */
interface Opened {
  readonly channel: ClientChannel;
  readonly end: Promise<ChannelEnd>;
}

interface ChannelEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

interface Collected {
  readonly stdout: string;
  readonly stderr: string;
  readonly end: ChannelEnd;
}

/** Feeds stdin, gathers the output, and waits for the channel to close. */
const collect = async ({ channel, end }: Opened, { stdin, onOutput }: RunOptions): Promise<Collected> => {
  const stdout = gather(channel, (text) => onOutput?.('stdout', text));
  const stderr = gather(channel.stderr, (text) => onOutput?.('stderr', text));
  channel.on('error', () => {}); // a write to a command that has ended; its exit code tells
  if (stdin !== undefined) channel.end(stdin); // otherwise it stays open: ssh2 sends no signal after the end of stdin
  return { end: await end, stdout: stdout(), stderr: stderr() };
};

const gather = (stream: NodeJS.ReadableStream, tell: (text: string) => void): (() => string) => {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < OUTPUT_LIMIT) text += chunk;
    tell(chunk);
  });
  return () => text;
};

/** Characters of one command's output that are kept; what is beyond is shown but not kept. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;

const channelEnd = (channel: ClientChannel): Promise<ChannelEnd> =>
  new Promise((resolve) => {
    let end: ChannelEnd = { exitCode: null, signal: null };
    channel.on('exit', (exitCode: number | null, signal?: string) => {
      end = { exitCode, signal: signal ? `SIG${signal.replace(/^SIG/, '')}` : null };
    });
    channel.on('close', () => resolve(end));
  });

const asProcess = ({ channel, end }: Opened): RemoteProcess => {
  channel.on('error', () => {});
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exit: end,
    signal: (name) => channel.signal(name),
  };
};
