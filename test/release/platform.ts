import type { HostPlatform } from '#recipe/host-state.ts';

/** A host that says nothing of itself. */
export const platform: HostPlatform = { loaders: [], tools: [], runtimes: [], runsPrograms: true };
