import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { SFTPWrapper } from 'ssh2';
import { sh } from '#protocol/shell.ts';
import type { Remote } from '#recipe/remote.ts';

/**
 * Sends local files by SFTP; where the host offers none, or a noisy profile spoils it, through a program's stdin. One that is stopped
 * has ended on the host when its promise rejects.
 */
export const fileSender =
  (
    open: (path: string) => Promise<SFTPWrapper | undefined>,
    gone: Promise<unknown>,
    spawn: Remote['spawn'],
  ): Remote['sendFile'] =>
  async (localPath, path, progress, stop) => {
    const sftp = await open(path).catch(() => undefined);
    if (!sftp) return pour(spawn, localPath, path, progress, stop);
    try {
      await new Promise<void>((resolve, reject) => {
        void gone.then(() => reject(new Error('the connection was lost')));
        stop?.addEventListener('abort', () => reject(new Error('stopped')));
        if (stop?.aborted) reject(new Error('stopped'));
        sftp.on('error', reject); // what came was no SFTP
        sftp.fastPut(localPath, path, { mode: 0o600, step: progress }, (error) => (error ? reject(error) : resolve()));
      });
    } finally {
      const closed = new Promise((resolve) => sftp.once('close', resolve));
      sftp.end();
      if (stop?.aborted) await Promise.race([closed, gone]);
    }
  };

const pour = async (
  spawn: Remote['spawn'],
  localPath: string,
  path: string,
  progress: (bytes: number) => void,
  stop: AbortSignal | undefined,
): Promise<void> => {
  const program = await spawn(sh`umask 077; rm -f ${path}; exec cat > ${path}`);
  let words = '';
  let sent = 0;
  program.stdout.resume();
  program.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk).slice(-1000);
  });
  const counting = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      yield chunk;
      sent += chunk.length;
      progress(sent);
    }
  };
  const broken = await pipeline(
    createReadStream(localPath, { highWaterMark: 1 << 18 }),
    counting,
    program.stdin,
    stop ? { signal: stop } : {},
  ).catch((error: Error) => error);
  const { exitCode } = await program.exit;
  if (stop?.aborted) throw new Error('stopped');
  if (exitCode !== 0) throw new Error(words.trim() || 'the connection was lost');
  if (broken) throw broken;
};
