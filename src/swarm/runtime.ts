import { type Command, sh } from '#protocol/shell.ts';

/**
 * What runs the peer on a host. Today the host's own Node; a runtime that brings itself will be another answer to the
 * same question, so that nothing but this file decides.
 */
export const peerCommand = (bundle: string): Command => sh`
command -v node >/dev/null || exit ${NO_RUNTIME}
[ -f ${bundle} ] || exit ${NO_BUNDLE}
exec node ${bundle}`;

/** Exit codes of `peerCommand` before the peer has begun; a shell's own are 126 and 127. */
export const NO_RUNTIME = 101;
export const NO_BUNDLE = 102;
