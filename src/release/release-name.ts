/**
 * A release's name: the UTC second as YYYYMMDDHHMMSS, later than every release on every host, so that two deploys in
 * one second, or a deployer with a slow clock, never share or disorder a name.
 */
export const nextReleaseName = (now: number, existing: readonly string[]): string => {
  const newest = existing.filter(isReleaseName).sort().at(-1);
  const proposed = releaseName(now);
  if (newest === undefined || proposed > newest) return proposed;
  return releaseName(releaseTime(newest) + 1000);
};

/** Milliseconds since 1970 of a release's name. */
export const releaseTime = (name: string): number =>
  Date.parse(name.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'));

/** Directories with other names are none of ours, among them those whose digits are no time. */
const isReleaseName = (name: string): boolean => /^\d{14}$/.test(name) && !Number.isNaN(releaseTime(name));

const releaseName = (time: number): string => new Date(time).toISOString().replace(/\D/g, '').slice(0, 14);
