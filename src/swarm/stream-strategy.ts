import { readFile } from 'node:fs/promises';
import { UserError } from '#recipe/user-error.ts';
import { RECEIVE, receiveFile } from './receive-file.ts';
import {
  asTransferError,
  type Distribution,
  type DistributionResult,
  type Strategy,
  type Target,
  type TransferError,
} from './strategy.ts';

/**
 * A small artifact is the input of one command in every host's shell, which stores and verifies it: no subsystem, no second command,
 * and no peers, whose start alone would take longer. The hosts need `head` and a program for SHA-256.
 */
export const streamStrategy: Strategy = {
  name: 'stream',
  open: (job) => ({
    track: nothing,
    seed: nothing,
    fetch: (targets) => streamToAll(job, targets),
    rehearse: async (targets) => {
      for (const { remote, path } of targets)
        await remote.run(receiveFile(path, job.artifact.sha256, job.artifact.bytes), { label: RECEIVE, quiet: true });
    },
    stop: nothing,
  }),
};

/** An artifact of at most so many bytes is held in memory, and nobody has to be told how far it has come. */
export const STREAMED_BYTES = 2 ** 20;

const nothing = async (): Promise<void> => {};

const streamToAll = async (job: Distribution, targets: readonly Target[]): Promise<DistributionResult> => {
  const { artifact, emit } = job;
  const { bytes } = artifact;
  const content = (await readFile(artifact.path)).subarray(0, bytes); // what was added since then is not in the hash
  if (content.length < bytes) throw new UserError(`${artifact.path} has become shorter while it was to be sent`);
  const begun = performance.now();
  const errors = new Map<string, TransferError>();
  const traffic = new Map<string, { downloaded: number; uploaded: number }>();
  const pieces = Math.ceil(bytes / artifact.pieceLength);
  const send = async ({ remote, path }: Target): Promise<void> => {
    const host = remote.host.name;
    try {
      const options = { stdin: content, shared: true, label: RECEIVE, quiet: true, timeout: job.stallTimeout };
      await remote.run(receiveFile(path, artifact.sha256, bytes), options);
      traffic.set(host, { downloaded: bytes, uploaded: 0 });
      emit({ type: 'transfer-progress', host, pieces, bytes, downloaded: bytes, uploaded: 0, done: true });
    } catch (error) {
      errors.set(host, asTransferError(error));
    }
  };
  await Promise.all(targets.map(send));
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, seederUploaded: traffic.size * bytes, traffic, errors };
};
