import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

/** An address that takes no TCP connection and refuses none, like a host behind a firewall that drops packets. */
export interface SilentAddress {
  readonly port: number;
  close(): Promise<void>;
}

/** A stopped program whose queue of connections is full: Linux drops whatever else comes. */
export const openSilentAddress = async (address: string): Promise<SilentAddress> => {
  const source = `const s = require('net').createServer();
    s.listen({ host: ${JSON.stringify(address)}, port: 0, backlog: 1 }, () => console.log(s.address().port));`;
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line);
  child.kill('SIGSTOP');
  const queued = [1, 2].map(() => connect({ host: address, port }));
  for (const socket of queued) socket.on('error', () => {});
  await Promise.all(queued.map((socket) => once(socket, 'connect')));
  return {
    port,
    close: async () => {
      for (const socket of queued) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};
