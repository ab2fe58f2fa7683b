import type { Case } from './cases.ts';
import { lowerBound } from './links.ts';
import { busyShare } from './processor.ts';
import type { Run } from './run-once.ts';

/** What a run is judged by. */
export interface Figures {
  /** When the last of the hosts that count was done: all of them, or all but the slow one. */
  readonly seconds: number;
  /** What they could not go below, and how often that is in `seconds`; undefined on links without a limit. */
  readonly bound: number;
  readonly ratio: number | undefined;
  readonly first: number;
  readonly median: number;
  /** Seconds of processor time, the kernel's work for the emulated links in it, that of unrelated programs not. */
  readonly cpu: number;
  /** The machine, or somebody else on it, made the time rather than the links. */
  readonly limited: boolean;
  readonly disturbed: boolean;
  /** The host on a slow link, measured by its own bound. */
  readonly slow?: { readonly seconds: number; readonly ratio: number };
}

export const figuresOf = (setting: Case, run: Run): Figures => {
  const { hosts, machineCpu, otherCpu, busy } = run;
  const { bytes, links, slow } = setting;
  const counts = (_: unknown, index: number) => index !== slow;
  const times = hosts.filter(counts).sort((a, b) => a - b);
  const seconds = times.at(-1)!;
  const bound = lowerBound(bytes, { ...links, hosts: links.hosts.filter(counts) });
  const ratio = bound === 0 ? undefined : seconds / bound;
  const all = {
    ...{ seconds, bound, ratio, first: times[0]!, median: times[Math.floor(times.length / 2)]! },
    cpu: Math.max(0, machineCpu - otherCpu),
    limited: ratio !== undefined && busy > MOST_BUSY,
    disturbed: busyShare(otherCpu, Math.max(...hosts)) > MOST_DISTURBED,
  };
  if (slow === undefined) return all;
  const own = lowerBound(bytes, { origin: links.origin, hosts: [links.hosts[slow]!] });
  return { ...all, slow: { seconds: hosts[slow]!, ratio: hosts[slow]! / own } };
};

/** One line for one run. */
export const describeRun = (setting: Case, run: Run): string => {
  const { seconds, bound, ratio, first, median, slow, cpu, limited } = figuresOf(setting, run);
  const parts = [
    `${setting.name.padEnd(11)} ${run.tool.padEnd(10)} ${String(run.round).padStart(2)}  ${seconds.toFixed(2).padStart(6)} s`,
    ...(ratio === undefined ? [] : [`${ratio.toFixed(3)} x bound (+${(seconds - bound).toFixed(2)} s)`]),
    ...(slow ? [`slow host ${slow.seconds.toFixed(2)} s ${slow.ratio.toFixed(3)} x its own`] : []),
    ...(run.egress === undefined ? [] : [`egress ${run.egress.toFixed(3)}`]),
    ...(run.crossed === undefined ? [] : [`between the zones ${run.crossed.toFixed(3)}`]),
    `hosts ${first.toFixed(2)} ${median.toFixed(2)} ${seconds.toFixed(2)}`,
    `CPU ${cpu.toFixed(1)} s (own ${run.toolCpu.toFixed(1)}, others ${run.otherCpu.toFixed(1)})`,
    `busy ${(run.busy * 100).toFixed(0)} %${limited ? ' (the processor is the limit)' : ''}`,
    `memory ${mib(run.peerMemory)} MiB (seeder ${mib(run.seederMemory)})`,
  ];
  return parts.join('  ');
};

/** Above this the machine, not the links, makes the time. */
const MOST_BUSY = 0.85;

/** Share of the machine that other programs may use. */
const MOST_DISTURBED = 0.1;

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
