import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Case } from './cases.ts';
import { deferred } from './deferred.ts';
import type { Fleet, Station } from './fleet.ts';
import { lowerBound } from './links.ts';
import { hashFile, type Payload } from './payload.ts';
import { busyShare, machineSeconds, peakMemory, processSeconds, watchOthers } from './processor.ts';
import { type Program, startProgram } from './program.ts';
import { type Samples, startSampling } from './timeline.ts';
import type { Place, Swarm, Tool } from './tool.ts';

/** What one run took. All times are in seconds from the start of the transfer. */
export interface Run {
  readonly case: string;
  readonly tool: string;
  /** From 1. */
  readonly round: number;
  /** When each host held a verified copy, in the order of the hosts. */
  readonly hosts: readonly number[];
  /** Bytes out of the origin per byte of the payload; undefined where nothing counts them. */
  readonly egress: number | undefined;
  /** Bytes from one zone to the other, with headers, as a multiple of the payload. */
  readonly crossed?: number;
  /** Processor time of the whole machine, the emulation's work in it. */
  readonly machineCpu: number;
  /** The same of the tool's own processes alone, their start in it. */
  readonly toolCpu: number;
  /** The same of programs that have nothing to do with it. */
  readonly otherCpu: number;
  /** Share of the machine's processors that were at work, 0 to 1. */
  readonly busy: number;
  /** The most memory that any peer held, and that the seeder held, bytes. */
  readonly peerMemory: number;
  readonly seederMemory: number;
}

export interface RunRequest {
  readonly setting: Case;
  readonly tool: Tool;
  readonly round: number;
  readonly fleet: Fleet;
  readonly payload: Payload;
  /** A directory in memory. */
  readonly dir: string;
  readonly signal: AbortSignal;
  /** The program that counts the links' bytes, where a time line is wanted. */
  readonly sampler?: string | undefined;
}

export interface Outcome {
  readonly run: Run;
  /** When the transfer started, ms by the wall clock. */
  readonly begun: number;
  readonly samples: Samples | undefined;
}

/** One transfer to an emptied fleet. @throws when a host did not get its copy */
export const runOnce = async (request: RunRequest): Promise<Outcome> => {
  const { fleet, dir, signal, tool, payload, sampler } = request;
  signal.throwIfAborted();
  const programs: Program[] = [];
  const place = await makePlace(fleet, payload, dir, programs);
  const sampling = sampler === undefined ? undefined : await startSampling(fleet, sampler, programs);
  try {
    const swarm = await inTime(tool.prepare(place), START_SECONDS, signal);
    const measured = await measure(request, swarm, programs);
    const samples = await sampling?.stop();
    await verifyCopies(place);
    await swarm.stop?.();
    return { ...measured, samples };
  } finally {
    for (const program of programs) program.kill();
    await Promise.all(programs.map(({ ended }) => ended));
  }
};

const START_SECONDS = 60;

const makePlace = async (fleet: Fleet, payload: Payload, dir: string, programs: Program[]): Promise<Place> => {
  const directoryOf = ({ name }: Station): string => join(dir, name);
  for (const station of [fleet.origin, ...fleet.hosts]) {
    await rm(directoryOf(station), { recursive: true, force: true });
    await mkdir(directoryOf(station));
  }
  return {
    ...{ fleet, payload, directoryOf },
    start: (station, argv, onLine) => {
      const program = startProgram(fleet.command(station, argv), onLine);
      programs.push(program);
      return program;
    },
  };
};

const measure = async (request: RunRequest, swarm: Swarm, programs: readonly Program[]) => {
  const { setting, tool, round, fleet, signal } = request;
  const others = watchOthers(() => new Set([process.pid, ...programs.map(({ pid }) => pid)]));
  const sent = await fleet.sent();
  const crossed = await fleet.crossed?.();
  const worked = machineSeconds();
  const begun = performance.now();
  const hosts = swarm.go().map(async (host) => {
    await host;
    return (performance.now() - begun) / 1000;
  });
  const limit = 120 + 6 * lowerBound(setting.bytes, setting.links);
  const times = await inTime(Promise.all(hosts), limit, signal);
  const machineCpu = machineSeconds() - worked;
  const seconds = Math.max(...times);
  const sentNow = await fleet.sent();
  const crossedNow = await fleet.crossed?.();
  const peers = swarm.peers();
  const run: Run = {
    ...{ case: setting.name, tool: tool.name, round, hosts: times, machineCpu, busy: busyShare(machineCpu, seconds) },
    otherCpu: Math.max(0, others()),
    egress: sent === undefined || sentNow === undefined ? undefined : (sentNow - sent) / setting.bytes,
    ...(crossed === undefined || crossedNow === undefined ? {} : { crossed: (crossedNow - crossed) / setting.bytes }),
    toolCpu: [swarm.seeder, ...peers].reduce((sum, pid) => sum + processSeconds(pid), 0),
    peerMemory: Math.max(...peers.map(peakMemory)),
    seederMemory: peakMemory(swarm.seeder),
  };
  return { run, begun: performance.timeOrigin + begun };
};

/** Rejects when it takes too long, or the benchmark is interrupted. */
const inTime = async <T>(work: Promise<T>, seconds: number, signal: AbortSignal): Promise<T> => {
  const end = deferred<never>();
  const timer = setTimeout(() => end.reject(new Error(`not done in ${seconds.toFixed(0)} s`)), seconds * 1000);
  const interrupted = () => end.reject(signal.reason as Error);
  signal.addEventListener('abort', interrupted);
  try {
    return await Promise.race([work, end.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', interrupted);
  }
};

/** Not in anybody's time: each tool has said that its copies are verified. */
const verifyCopies = async ({ fleet, payload, directoryOf }: Place): Promise<void> => {
  for (const host of fleet.hosts) {
    const sha256 = await hashFile(join(directoryOf(host), basename(payload.path)));
    if (sha256 !== payload.sha256) throw new Error(`${host.name} holds something else`);
  }
};
