import { type Command, sh } from '#protocol/shell.ts';

/** Starts the peer on a host by a program that runs it: a path, or `node` for the one that the host finds. */
export const peerCommand = (bundle: string, node = 'node'): Command => sh`
command -v ${node} >/dev/null || exit ${NO_RUNTIME}
[ -f ${bundle} ] || exit ${NO_BUNDLE}
exec ${node} ${bundle}`;

/** Exit codes of `peerCommand` before the peer has begun; a shell's own are 126 and 127. */
export const NO_RUNTIME = 101;
export const NO_BUNDLE = 102;
