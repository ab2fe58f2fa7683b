import type { DeployFact, TransferProgress } from '#protocol/events.ts';
import { type Meter, rateAt, readMeter, startMeter } from './meter.ts';

/** One host's part of a transfer; `index` is its place in the inventory. */
export interface HostTransfer {
  readonly index: number;
  readonly pieces: number;
  readonly bytes: number;
  readonly downloaded: number;
  readonly done: boolean;
  readonly meter: Meter;
}

/** The fleet's transfer: `bytes` and `pieces` are those of one copy, the totals are sums over the hosts that have not failed. */
export interface Transfer {
  readonly task: string | undefined;
  readonly strategy: 'torrent' | 'sftp';
  readonly bytes: number;
  readonly pieces: number;
  readonly hosts: ReadonlyMap<string, HostTransfer>;
  readonly failed: number;
  readonly done: number;
  readonly total: { readonly pieces: number; readonly bytes: number; readonly downloaded: number };
  readonly meter: Meter;
  readonly ended: { readonly seconds: number; readonly seederUploaded: number } | undefined;
}

/** A transfer of which nothing has arrived yet; `at` in ms. */
export const startTransfer = (
  start: Extract<DeployFact, { type: 'transfer-start' }>,
  task: string | undefined,
  at: number,
): Transfer => ({
  task,
  strategy: start.strategy,
  bytes: start.bytes,
  pieces: start.pieces,
  hosts: new Map(
    start.hosts.map((host, index) => [
      host,
      { index, pieces: 0, bytes: 0, downloaded: 0, done: false, meter: startMeter(at, 0) },
    ]),
  ),
  failed: 0,
  done: 0,
  total: { pieces: 0, bytes: 0, downloaded: 0 },
  meter: startMeter(at, 0),
  ended: undefined,
});

/** The transfer after news of some hosts, the newest of each; `at` in ms. Costs one copy of the host table, whatever the number of news. */
export const applyProgress = (
  transfer: Transfer,
  news: ReadonlyMap<string, TransferProgress & { readonly at: number }>,
): Transfer => {
  const hosts = new Map(transfer.hosts);
  let { pieces, bytes, downloaded } = transfer.total;
  let { done, meter } = transfer;
  for (const [host, next] of news) {
    const before = hosts.get(host);
    if (!before) continue;
    hosts.set(host, {
      index: before.index,
      pieces: next.pieces,
      bytes: next.bytes,
      downloaded: next.downloaded,
      done: next.done,
      meter: readMeter(before.meter, next.at, next.downloaded),
    });
    pieces += next.pieces - before.pieces;
    bytes += next.bytes - before.bytes;
    downloaded += next.downloaded - before.downloaded;
    done += Number(next.done) - Number(before.done);
  }
  for (const { at } of news.values()) meter = readMeter(meter, at, downloaded);
  return { ...transfer, hosts, done, meter, total: { pieces, bytes, downloaded } };
};

/** The transfer without a host that failed. */
export const dropHost = (transfer: Transfer, host: string): Transfer => {
  const gone = transfer.hosts.get(host);
  if (!gone) return transfer;
  const hosts = new Map(transfer.hosts);
  hosts.delete(host);
  const { pieces, bytes, downloaded } = transfer.total;
  return {
    ...transfer,
    hosts,
    failed: transfer.failed + 1,
    done: transfer.done - Number(gone.done),
    total: { pieces: pieces - gone.pieces, bytes: bytes - gone.bytes, downloaded: downloaded - gone.downloaded },
    meter: { ...transfer.meter, bytes: transfer.meter.bytes - gone.downloaded },
  };
};

/** Bytes that all the remaining hosts hold together in the end. */
export const goalOf = (transfer: Transfer): number => transfer.bytes * transfer.hosts.size;

/** Seconds until the fleet is done, or undefined where nothing can be said yet. */
export const timeLeft = (transfer: Transfer, now: number): number | undefined => {
  const rate = rateAt(transfer.meter, now);
  const missing = goalOf(transfer) - transfer.total.bytes;
  if (missing <= 0) return 0;
  return rate === undefined || rate < 1 ? undefined : missing / rate;
};
