import type { AnnounceQuery } from '#protocol/announce.ts';
import type { PeerAddress } from '#protocol/control.ts';
import { announceOnce } from './tracker-request.ts';

/** Keeps trackers informed, each on its own: one that is dead is tried again and disturbs nobody. */
export interface Announcer extends Loop {
  /** Informs more of them. */
  add(trackers: readonly string[]): void;
}

interface Loop {
  /** Tells that every piece is here. */
  completed(): void;
  /** Says goodbye; resolves when all trackers know or a second has passed. */
  stop(): Promise<void>;
}

export interface AnnouncerOptions {
  /** Announce URLs; those that are not http: are left out. */
  readonly trackers: readonly string[];
  /** The facts of the moment. */
  readonly query: () => AnnounceQuery;
  onPeers(peers: readonly PeerAddress[]): void;
  onAnswer(answer: TrackerAnswer): void;
}

/** What came of one announce: whom the tracker named, which may be ourselves, or why it named nobody. */
export type TrackerAnswer = { readonly url: string } & (
  | { readonly peers: readonly PeerAddress[] }
  | { readonly failure: string }
);

const ANSWER_MS = 10_000;
const GOODBYE_MS = 1000;
const MIN_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 30 * 60_000;
const MAX_RETRY_MS = 30_000;
const NUMWANT = 80;

/** Announces `started` at once. */
export const startAnnouncer = ({ trackers, ...options }: AnnouncerOptions): Announcer => {
  const loops: Loop[] = [];
  const add = (more: readonly string[]): void => {
    for (const url of more) if (/^http:\/\//i.test(url)) loops.push(startLoop(url, options));
  };
  add(trackers);
  return {
    add,
    completed: () => {
      for (const loop of loops) loop.completed();
    },
    stop: async () => void (await Promise.all(loops.map((loop) => loop.stop()))),
  };
};

const startLoop = (url: string, { query, onPeers, onAnswer }: Omit<AnnouncerOptions, 'trackers'>): Loop => {
  let event: AnnounceQuery['event'] = 'started'; // what the tracker has yet to be told
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let asking = false;
  let known = false;
  let stopped = false;

  const ask = async (): Promise<void> => {
    clearTimeout(timer);
    if (asking || stopped) return;
    asking = true;
    const told = event;
    const wait = await announce(told);
    asking = false;
    if (stopped) return;
    if (known && event !== told) void ask();
    else timer = setTimeout(() => void ask(), wait);
  };

  /** Tells the tracker; resolves to the milliseconds until the next time. */
  const announce = async (told: AnnounceQuery['event']): Promise<number> => {
    try {
      const answer = await announceOnce(url, { ...query(), ...(told && { event: told }), numwant: NUMWANT }, ANSWER_MS);
      if (answer.kind === 'failure') throw new Error(answer.reason);
      known = true;
      failures = 0;
      if (event === told) event = undefined;
      if (!stopped) onPeers(answer.peers);
      onAnswer({ url, peers: answer.peers });
      return Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, answer.interval * 1000));
    } catch (error) {
      onAnswer({ url, failure: describe(error as NodeJS.ErrnoException) });
      return Math.min(MAX_RETRY_MS, 250 * 2 ** failures++);
    }
  };

  void ask();
  return {
    completed: () => {
      if (known) event = 'completed'; // a tracker yet to be told `started` learns from it that nothing is left
      if (known) void ask();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      if (known) await announceOnce(url, { ...query(), event: 'stopped', numwant: 0 }, GOODBYE_MS).catch(() => {});
    },
  };
};

/** Where a name has several addresses, and none takes a connection, the error has no words of its own. */
const describe = ({ message, code }: NodeJS.ErrnoException): string => message || (code ?? 'no answer');
