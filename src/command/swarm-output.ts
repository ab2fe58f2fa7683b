import type { Writable } from 'node:stream';
import { oneLine } from '#report/printable.ts';
import { formatBytes, formatPercent, formatRate, formatSeconds, plural } from '#report/units.ts';
import { createWriter } from '#report/writer.ts';

/** What the parts of a swarm tell, as it happens; `--format json` prints these objects, one a line, with the time as `at`. */
export type SwarmFact =
  | {
      type: 'swarm-created';
      torrent: string;
      infoHash: string;
      bytes: number;
      pieces: number;
      pieceLength: number;
      packed: boolean;
      /** File that holds the key, where there is one. */
      key?: string;
    }
  /** `urls` are the announce URLs of a tracker. */
  | { type: 'swarm-listening'; port: number; urls?: readonly string[] }
  | ({ type: 'transfer-progress' } & SwarmProgress)
  /** A verified copy stands under its final name. */
  | { type: 'swarm-verified'; path: string; bytes: number; seconds: number }
  | { type: 'notice'; level: 'info' | 'warning'; message: string }
  | ({ type: 'summary' } & SwarmSummary);

export interface SwarmProgress {
  readonly pieces: number;
  readonly bytes: number;
  readonly length: number;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly peers: number;
}

/** The last event, whatever happened. */
export interface SwarmSummary {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly task: string;
  readonly seconds: number;
  readonly infoHash?: string;
  readonly path?: string;
  readonly downloaded?: number;
  readonly uploaded?: number;
  readonly error?: { readonly message: string };
}

/** Where facts go. */
export interface SwarmOutput {
  tell(fact: SwarmFact): void;
  close(): Promise<void>;
}

/** Prints facts as they happen, of progress no more than a line in two seconds, and to a program an object a second. */
export const openSwarmOutput = (
  format: 'plain' | 'json',
  { stdout, stderr }: { readonly stdout: Writable; readonly stderr: Writable },
): SwarmOutput => {
  const [out, err] = [createWriter(stdout), createWriter(stderr)];
  const isDue = rateLimit(format === 'json' ? 1000 : 2000);
  const lines = createSwarmLines();
  return {
    tell: (fact) => {
      if (fact.type === 'transfer-progress' && !isDue()) return;
      if (format === 'json') {
        const { type, ...rest } = fact;
        out.write(`${JSON.stringify({ type, at: new Date().toISOString(), ...rest })}\n`);
      } else for (const { text, urgent } of lines(fact, performance.now())) (urgent ? err : out).write(`${text}\n`);
    },
    close: async () => void (await Promise.all([out.close(), err.close()])),
  };
};

const rateLimit = (milliseconds: number): (() => boolean) => {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - last < milliseconds) return false;
    last = performance.now();
    return true;
  };
};

/** The lines of a fact for a reader; `now` in milliseconds. Rates are those since the last line. */
export const createSwarmLines = () => {
  let before: (SwarmProgress & { readonly at: number }) | undefined;
  const progressLine = (fact: SwarmProgress, at: number): string => {
    const rate = (key: 'downloaded' | 'uploaded'): string => {
      const seconds = before === undefined ? 0 : (at - before.at) / 1000;
      return seconds > 0 && before !== undefined ? ` (${formatRate((fact[key] - before[key]) / seconds)})` : '';
    };
    const { bytes, length, downloaded, uploaded, peers } = fact;
    const parts = [
      ...(bytes < length
        ? [`${formatPercent(bytes, length)}, got ${formatBytes(downloaded)}${rate('downloaded')}`]
        : []),
      `sent ${formatBytes(uploaded)}${rate('uploaded')}`,
      plural(peers, 'peer'),
    ];
    before = { ...fact, at };
    return parts.join(', ');
  };
  return (fact: SwarmFact, now: number): { text: string; urgent: boolean }[] => {
    const say = (...texts: string[]) => texts.map((text) => ({ text: oneLine(text), urgent: false }));
    switch (fact.type) {
      case 'swarm-created':
        return say(
          `wrote ${fact.torrent}`,
          `info hash ${fact.infoHash}`,
          `${formatBytes(fact.bytes)} in ${plural(fact.pieces, 'piece')} of ${formatBytes(fact.pieceLength)}${fact.packed ? ', a tar' : ''}`,
          ...(fact.key === undefined ? [] : [`its key is in ${fact.key}: bring it to the others in secret`]),
        );
      case 'swarm-listening':
        return say(...(fact.urls?.map((url) => `tracker at ${url}`) ?? [`listening on port ${fact.port}`]));
      case 'transfer-progress':
        return say(progressLine(fact, now));
      case 'swarm-verified':
        return say(`verified: ${fact.path}, ${formatBytes(fact.bytes)} in ${formatSeconds(fact.seconds)}`);
      case 'notice':
        return [
          {
            text: oneLine(fact.level === 'warning' ? `warning: ${fact.message}` : fact.message),
            urgent: fact.level === 'warning',
          },
        ];
      case 'summary':
        if (fact.error) return [{ text: `deploy: ${fact.error.message}`, urgent: true }];
        return fact.downloaded === undefined && fact.uploaded === undefined
          ? []
          : say(`done: got ${formatBytes(fact.downloaded ?? 0)}, sent ${formatBytes(fact.uploaded ?? 0)}`);
    }
  };
};
