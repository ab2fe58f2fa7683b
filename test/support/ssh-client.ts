import ssh2, { type Client, type ClientChannel, type ConnectConfig, type SFTPWrapper } from 'ssh2';

export interface Finished {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Logs in with ssh2's client. @throws what the server or the socket says. */
export const connectClient = (config: ConnectConfig): Promise<Client> =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    client.once('ready', () => resolve(client));
    client.on('error', reject); // once it is connected, 'close' tells
    client.connect(config);
    client.setNoDelay(true);
  });

/** Starts a command. */
export const exec = (client: Client, command: string): Promise<ClientChannel> =>
  new Promise((resolve, reject) =>
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel))),
  );

/** Takes a command's output until its channel closes. */
export const finish = (channel: ClientChannel): Promise<Finished> =>
  new Promise((resolve) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let exit: Pick<Finished, 'exitCode' | 'signal'> = { exitCode: null, signal: null };
    channel.on('data', (chunk: Buffer) => stdout.push(chunk));
    channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    channel.on('exit', (exitCode: number | null, signal?: string) => {
      exit = { exitCode, signal: signal ?? null };
    });
    channel.once('close', () => resolve({ ...exit, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }));
  });

/** Runs a command to its end, with this input. */
export const run = async (client: Client, command: string, input: string | Buffer = ''): Promise<Finished> => {
  const channel = await exec(client, command);
  channel.end(input);
  return finish(channel);
};

export const openSftp = (client: Client): Promise<SFTPWrapper> =>
  new Promise((resolve, reject) => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))));
