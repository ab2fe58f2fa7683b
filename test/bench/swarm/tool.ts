import type { Fleet, Station } from './fleet.ts';
import type { Payload } from './payload.ts';
import type { Program } from './program.ts';

/** A program that brings the payload to every host of a fleet. */
export interface Tool {
  readonly name: string;
  /** Why it cannot take part, if so. */
  missing(): string | undefined;
  /** Makes all ready that may be ready before the clock starts. */
  prepare(place: Place): Promise<Swarm>;
}

/** What a tool is given for one run. */
export interface Place {
  readonly fleet: Fleet;
  readonly payload: Payload;
  /** The empty directory of a station; the payload is to appear in a host's under its own name. */
  directoryOf(station: Station): string;
  /** Starts a program on a station; it is killed when the run is over. */
  start(station: Station, argv: readonly string[], onLine: (line: string) => void): Program;
}

/** A swarm that waits for the word. */
export interface Swarm {
  /** Starts the transfer. The promises, one a host in order, resolve when the host holds a verified copy, and reject if it never will. */
  go(): readonly Promise<void>[];
  /** Processes of the hosts in order. */
  peers(): readonly number[];
  /** Process of the seeder. */
  readonly seeder: number;
  /** Says goodbye, where the tool knows how. */
  stop?(): Promise<void>;
}

/** The tools of these names. One that cannot take part is told in `left`. @throws on a name that is none of theirs */
export const chooseTools = (names: readonly string[], all: readonly Tool[]): { tools: Tool[]; left: string[] } => {
  const tools: Tool[] = [];
  const left: string[] = [];
  for (const name of names) {
    const tool = all.find((one) => one.name === name);
    if (tool === undefined) throw new Error(`no tool ${name}: there are ${all.map((one) => one.name).join(', ')}`);
    const reason = tool.missing();
    if (reason === undefined) tools.push(tool);
    else left.push(`${name}: left out, ${reason}`);
  }
  return { tools, left };
};
