import type { Links } from './links.ts';

/** Where the swarm of a case runs: a machine for the origin and one for each host, real or emulated. */
export interface Fleet {
  readonly links: Links;
  readonly origin: Station;
  readonly hosts: readonly Station[];
  /** The command that runs `argv` on a station. */
  command(station: Station, argv: readonly string[]): readonly string[];
  /** Bytes that the origin has sent, counted on the wire with all headers; undefined where there is no wire. */
  sent(): Promise<number | undefined>;
  /** Bytes that have gone from the origin's zone to the other one, counted likewise; absent where there is one zone. */
  readonly crossed?: () => Promise<number>;
  /** The command that runs `argv` where every link is a device `p0` (the origin's), `p1` ... seen from the switch. */
  readonly atSwitch?: (argv: readonly string[]) => readonly string[];
  close(): Promise<void>;
}

export interface Station {
  /** `origin`, `h1`, `h2` ... */
  readonly name: string;
  readonly address: string;
}

/** Addresses of loopback and no links at all: what can be had without root. */
export const loopbackFleet = (links: Links): Fleet => ({
  links,
  origin: { name: 'origin', address: '127.77.0.1' },
  hosts: links.hosts.map((_, index) => ({ name: `h${index + 1}`, address: `127.77.1.${index + 1}` })),
  command: (_, argv) => argv,
  sent: async () => undefined,
  close: async () => {},
});
