import type { Link } from './link.ts';

/** Where others carry the connection, the host knows best by which address it was reached: sshd tells it to every command. */
export const withAddresses = async (link: Link): Promise<Link> => {
  const { addresses } = link;
  if (addresses.remote !== '') return link;
  const [, from = '', to = ''] = (await ask(link)).match(/rookery-connection:(\S+) \d+ (\S+) \d+/) ?? [];
  return { ...link, addresses: { local: addresses.local || from, remote: to } };
};

const ask = async (link: Link): Promise<string> => {
  const program = await link.exec(`exec </dev/null\necho "${MARK}$SSH_CONNECTION"`).catch(() => undefined);
  let text = '';
  program?.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  program?.stderr.resume();
  await program?.exit;
  return text;
};

const MARK = 'rookery-connection:';
