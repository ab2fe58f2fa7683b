import { setTimeout as pause } from 'node:timers/promises';
import { type Command, sh } from '#protocol/shell.ts';
import { CommandFailed } from '#recipe/remote.ts';
import { VERIFY, verifyFile } from './receive-file.ts';
import {
  asTransferError,
  type Distribution,
  type DistributionResult,
  type Strategy,
  type Target,
  type TransferError,
} from './strategy.ts';

/** Uploads the artifact to every host over its own SSH connection: N copies leave this machine, but a host needs only sshd and sh. */
export const sftpStrategy: Strategy = {
  name: 'sftp',
  open: (job) => ({
    track: nothing,
    seed: nothing,
    fetch: (targets) => uploadAll(job, targets),
    rehearse: async (targets) => {
      for (const { remote, path } of targets) {
        await remote.sendFile(job.artifact.path, path, () => {});
        await remote.run(verifyFile(path, job.artifact.sha256), { label: VERIFY });
      }
    },
    stop: nothing,
  }),
};

const nothing = async (): Promise<void> => {};

const uploadAll = async (job: Distribution, targets: readonly Target[]): Promise<DistributionResult> => {
  const begun = performance.now();
  const errors = new Map<string, TransferError>();
  const traffic = new Map<string, { downloaded: number; uploaded: number }>();
  const waiting = [...targets];
  const work = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const { name } = target.remote.host;
      const error = job.signal.aborted ? INTERRUPTED : await upload(job, target).catch(asTransferError);
      if (error) errors.set(name, error);
      else traffic.set(name, { downloaded: job.artifact.bytes, uploaded: 0 });
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, work));
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, seederUploaded: traffic.size * job.artifact.bytes, traffic, errors };
};

const UPLOADS_AT_ONCE = 16;

const INTERRUPTED: TransferError = { code: 'interrupted', message: 'interrupted' };

const upload = async (
  { artifact, emit, signal, stallTimeout }: Distribution,
  target: Target,
): Promise<TransferError | undefined> => {
  const { remote, path } = target;
  const tell = (bytes: number, done: boolean) =>
    emit({
      ...{ type: 'transfer-progress', host: remote.host.name, downloaded: bytes, uploaded: 0, bytes, done },
      pieces: done ? Math.ceil(bytes / artifact.pieceLength) : Math.floor(bytes / artifact.pieceLength),
    });
  const watch = watchProgress(stallTimeout, signal);
  const stop = new AbortController();
  let told = 0;
  const moved = (bytes: number) => {
    watch.moved();
    if (performance.now() - told < 1000 / TOLD_A_SECOND) return;
    told = performance.now();
    tell(bytes, false);
  };
  const sending = remote.sendFile(artifact.path, path, moved, stop.signal);
  try {
    await Promise.race([watch.ended, sending]);
  } catch (error) {
    stop.abort();
    await Promise.race([sending.catch(() => {}), pause(PATIENCE, undefined, { ref: false })]);
    if (signal.aborted) return INTERRUPTED;
    return await explainUpload(error as Error, artifact.bytes, target);
  } finally {
    watch.stop();
  }
  await remote.run(verifyFile(path, artifact.sha256), { label: VERIFY, shared: true });
  tell(artifact.bytes, true);
  return undefined;
};

/** Milliseconds that a host has to end what it was being sent: what comes later comes after what tidies up. */
const PATIENCE = 5000;

/** As often as a peer reports. */
const TOLD_A_SECOND = 4;

/** Rejects when nothing has moved for too long, or the run was interrupted. */
const watchProgress = (seconds: number, signal: AbortSignal) => {
  let fail: (error: Error) => void = () => {};
  const ended = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const late = () => fail(new Error(`no byte moved for ${seconds} s`));
  const interrupted = () => fail(new Error('interrupted'));
  let timer = setTimeout(late, seconds * 1000);
  signal.addEventListener('abort', interrupted);
  return {
    ended,
    moved: () => {
      clearTimeout(timer);
      timer = setTimeout(late, seconds * 1000);
    },
    stop: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', interrupted);
    },
  };
};

/** SFTP has one word, "Failure", for a full disk and much else, and none for a lost connection: look at the disk to tell. */
const explainUpload = async (error: Error, bytes: number, { remote, path }: Target): Promise<TransferError> => {
  const command = `sftp put ${path}`;
  try {
    const { stdout } = await remote.run(freeSpace(path));
    if (Number(stdout) * 1024 < bytes)
      return { code: 'disk-full', message: `the disk is full: the artifact needs ${bytes} bytes`, command };
  } catch (lost) {
    if (lost instanceof CommandFailed && lost.facts.code === 'connection-lost')
      return { code: 'connection-lost', message: lost.facts.message, command };
  }
  return { code: 'transfer', message: error.message, command };
};

const freeSpace = (path: string): Command =>
  sh`rm -f ${path}; df -Pk ${path.slice(0, path.lastIndexOf('/'))} | awk 'NR == 2 { print $4 }'`;
