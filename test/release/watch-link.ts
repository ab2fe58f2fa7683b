import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface LinkWatcher {
  readonly stop: () => Promise<{
    readonly reads: number;
    readonly missing: number;
    readonly targets: readonly string[];
  }>;
}

/** Reads a link as fast as it can, on a thread of its own, until it is told to stop. */
export const watchLink = async (path: string): Promise<LinkWatcher> => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(READER, { eval: true, workerData: { path, flag } });
  await once(worker, 'message');
  return {
    stop: async () => {
      const result = once(worker, 'message');
      Atomics.store(flag, 0, 1);
      return (await result)[0];
    },
  };
};

const READER = `
const { parentPort, workerData: { path, flag } } = require('node:worker_threads');
const { readlinkSync } = require('node:fs');
let reads = 0;
let missing = 0;
const targets = new Set();
parentPort.postMessage('ready');
while (Atomics.load(flag, 0) === 0) {
  reads++;
  try {
    targets.add(readlinkSync(path));
  } catch {
    missing++;
  }
}
parentPort.postMessage({ reads, missing, targets: [...targets].sort() });
`;
