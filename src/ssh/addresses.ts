import type { Connection } from './connect.ts';

/** Where others carry the connection, the host knows best by which address it was reached: sshd tells it to every command. */
export const withAddresses = async ({ client, addresses }: Connection): Promise<Connection> => {
  if (addresses.remote !== '') return { client, addresses };
  const said = await new Promise<string>((resolve) => {
    client.exec(`exec /bin/sh -c 'echo "${MARK}$SSH_CONNECTION"' </dev/null`, (error, channel) => {
      if (error) return resolve('');
      let text = '';
      channel.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      channel.stderr.resume();
      channel.on('close', () => resolve(text));
    });
  });
  const [, from = '', to = ''] = said.match(/rookery-connection:(\S+) \d+ (\S+) \d+/) ?? [];
  return { client, addresses: { local: addresses.local || from, remote: to } };
};

const MARK = 'rookery-connection:';
