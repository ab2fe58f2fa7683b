import type { PeerReport } from '#protocol/control.ts';
import type { Emit } from '#protocol/events.ts';
import type { TransferError } from './strategy.ts';

/**
 * What is known of every host during a transfer. A host ends in one of two ways: its peer reports a verified copy, or
 * there is an error, which may be its silence: the verdict for every host comes, whatever happens to a peer.
 */
export interface SwarmWatch {
  report(host: string, report: PeerReport): void;
  fail(host: string, error: TransferError): void;
  /** Resolves when every host has ended one way or the other. */
  readonly settled: Promise<void>;
  readonly errors: ReadonlyMap<string, TransferError>;
  readonly traffic: ReadonlyMap<string, { readonly downloaded: number; readonly uploaded: number }>;
  stop(): void;
}

export interface SwarmWatchOptions {
  readonly hosts: readonly string[];
  /** Of the content. */
  readonly pieces: number;
  /** Seconds. */
  readonly stallTimeout: number;
  readonly emit: Emit;
  /** Whom a host that got nothing cannot reach, in words; empty where nothing is known. */
  readonly explain: (host: string) => string;
}

/** Begins to wait for the verdicts of all hosts. */
export const watchSwarm = ({ hosts, pieces, stallTimeout, emit, explain }: SwarmWatchOptions): SwarmWatch => {
  const errors = new Map<string, TransferError>();
  const verified = new Set<string>();
  const heard = new Set<string>();
  const traffic = new Map<string, { downloaded: number; uploaded: number }>();
  const moved = new Map(hosts.map((host) => [host, { at: performance.now(), advance: 0 }]));
  let settle: () => void = () => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const end = () => {
    if (errors.size + verified.size >= hosts.length) settle();
  };
  const fail = (host: string, error: TransferError) => {
    if (errors.has(host) || verified.has(host)) return;
    errors.set(host, error);
    end();
  };
  const stalls = setInterval(() => {
    for (const [host, { at }] of moved) {
      if (performance.now() - at < stallTimeout * 1000 || verified.has(host)) continue;
      fail(host, {
        code: 'transfer',
        message: heard.has(host)
          ? `no byte arrived for ${stallTimeout} s: ${explain(host) || REACH}`
          : `the peer has not started within ${stallTimeout} s: does the host, or its disk, hang?`,
      });
    }
  }, 1000);
  if (hosts.length === 0) settle();

  return {
    errors,
    traffic,
    settled,
    fail,
    report: (host, report) => {
      heard.add(host);
      if (report.kind !== 'progress' && report.kind !== 'verified' && report.kind !== 'stopped') return;
      const { downloaded, uploaded } = report;
      traffic.set(host, { downloaded, uploaded });
      if (report.kind === 'stopped' || errors.has(host)) return; // who was given up stays given up
      const { bytes } = report;
      const done = report.kind === 'verified';
      const advance = bytes + (done ? 0 : (report.hashed ?? 0)); // hashing a huge artifact is no stall
      if (advance > (moved.get(host)?.advance ?? 0)) moved.set(host, { at: performance.now(), advance });
      emit({
        type: 'transfer-progress',
        host,
        pieces: done ? pieces : report.pieces,
        bytes,
        downloaded,
        uploaded,
        done: done || verified.has(host),
      });
      if (!done) return;
      verified.add(host);
      end();
    },
    stop: () => clearInterval(stalls),
  };
};

const REACH = 'can this host reach the deployer and the other hosts on the ports of swarm.ports?';
