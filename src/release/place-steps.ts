import { type Command, type Step, script, sh } from '#protocol/shell.ts';
import { releasePaths } from './release-paths.ts';

/**
 * Placing is the last step of everything that brings a file or a directory to a path of the user's: nothing is ever seen
 * half under its final name. What is not final yet has a name of its own on the same file system, beside the target or,
 * for a directory that is added to, inside of it, whose parent may not be ours to write; a trap removes it however the
 * shell ends. All of it is rename(2) by `mv`.
 */

/** How a file is to be: permission bits, and seconds since 1970. */
export interface FileFacts {
  readonly name: string;
  readonly mode: number;
  readonly modified: number;
}

/** Moves a file to its final path, or into a directory where the path is one, in place of a file that is there. */
export const placeFile = (from: string, to: string, { name, mode, modified }: FileFacts): Command =>
  script([
    {
      name: `find ${to}`,
      command: sh`to=${fileTarget(to, name)}; [ ! -d "$to" ] || to=\${to%/}/${name}
        part=\${to%/*}/.\${to##*/}.rookery-part
        tidy() { rm -rf "$part" ${from}; }
        ${TIDILY}
        ${NO_DIRECTORY}`,
    },
    { name: `create the directory of ${to}`, command: sh`mkdir -p "\${to%/*}/"` },
    {
      name: `bring it to the file system of ${to}`,
      command: sh`mv -f ${from} "$part" && chmod ${mode.toString(8)} "$part" && TZ=UTC0 touch -t ${touchTime(modified)} "$part"`,
    },
    { name: `place ${to}`, command: sh`mv -f "$part" "$to"` },
  ]);

/** How a directory is to be placed. */
export interface DirectoryPlacing {
  /** Replaces a directory that is there as a whole; otherwise it is added to, and nothing in it is removed. */
  readonly remove: boolean;
  /** Permission bits of a directory that is new. */
  readonly mode?: number;
  /** Files to remove in the end, however it ends. */
  readonly leaves?: readonly string[];
}

/** Unpacks a tar to its final path. */
export const placeDirectory = (tar: string, to: string, { remove, mode, leaves = [] }: DirectoryPlacing): Command =>
  script([
    {
      name: `find ${to}`,
      command: sh`to=${to}; old=
        [ ! -d "$to" ] || to=$(cd "$to" && pwd -P)
        beside=\${to%/*}/.\${to##*/}.rookery
        part=$beside-part; ${remove ? sh`:` : sh`[ ! -d "$to" ] || part=$to/.rookery-part`}
        tidy() { [ -z "$old" ] || [ -d "$to" ] || mv "$old" "$to"; rm -rf "$part" \${old:+"$old"} ${leaves}; }
        ${TIDILY}
        ${DIRECTORY}`,
    },
    {
      name: `unpack beside ${to}`,
      command: sh`rm -rf "$part" && mkdir -p "$part" && (cd "$part" && tar -xpof ${tar})`,
    },
    ...(mode === undefined ? [] : [{ name: 'set its permissions', command: sh`chmod ${mode.toString(8)} "$part"` }]),
    ...(remove ? [replaceStep(to)] : addSteps(to)),
  ]);

/** Two renames: the old one has gone for the moment between them, and comes back should the second fail. */
const replaceStep = (to: string): Step => ({
  name: `replace ${to}`,
  command: sh`if [ -d "$to" ]; then rm -rf "$beside-old" && old=$beside-old && mv "$to" "$old"; fi && mv "$part" "$to"`,
});

const addSteps = (to: string): Step[] => [
  {
    name: `compare with ${to}`,
    command: sh`${FITS}
[ ! -d "$to" ] || fits "$part" "$to"`,
  },
  {
    name: `place ${to}`,
    command: sh`${ADD}
if [ -d "$to" ]; then add "$part" "$to"; else mv "$part" "$to"; fi`,
  },
];

/** The target is one that a file, or a directory, may have. */
const NO_DIRECTORY = sh`{ [ ! -d "$to" ] || { echo "$to is a directory" >&2; false; }; }`;
const DIRECTORY = sh`{ [ -d "$to" ] || { [ ! -e "$to" ] && [ ! -L "$to" ]; } || { echo "$to is no directory" >&2; false; }; }`;

/** The shell removes what it has made when it ends, by itself or by a signal. */
const TIDILY = sh`trap 'exit 1' HUP INT TERM; trap tidy 0`;

const ENTRIES = sh`"$1"/* "$1"/.[!.]* "$1"/..?*`;

/** fits FROM TO: looks through a tree before any of it is placed, for a file where there is a directory, or the reverse. */
const FITS = sh`fits() {
  for e in ${ENTRIES}; do
    n=$2/\${e##*/}
    if [ -d "$e" ] && [ ! -L "$e" ]; then
      if [ -d "$n" ]; then fits "$e" "$n" || return 1
      elif [ -e "$n" ] || [ -L "$n" ]; then echo "$n is no directory" >&2; return 1; fi
    elif [ -d "$n" ] && [ ! -L "$n" ] && { [ -e "$e" ] || [ -L "$e" ]; }; then echo "$n is a directory" >&2; return 1; fi
  done
}`;

/** add FROM TO: renames everything from one directory into another, directories that the other has not as a whole, many entries a call. */
const ADD = sh`add() {
  for e in ${ENTRIES}; do
    [ -e "$e" ] || [ -L "$e" ] || continue
    if [ -d "$e" ] && [ ! -L "$e" ] && [ -d "$2/\${e##*/}" ]; then add "$e" "$2/\${e##*/}" || return 1; continue; fi
    set -- "$@" "$e"
    [ $# -lt 100 ] || { move "$@" && set -- "$1" "$2"; } || return 1
  done
  move "$@"
}
move() { t=$2; shift 2; [ $# = 0 ] || mv -f "$@" "$t/"; }`;

/** A path with a slash at its end is that of a directory, whether it is there or not. */
const fileTarget = (to: string, name: string): string => (to.endsWith('/') ? `${to}${name}` : to);

/** What lies at a target before anything is sent: `directory`, `file` or `nothing`. Fails where it could not be placed. */
export const lookAtTarget = (
  to: string,
  { kind, name, remove }: { readonly kind: 'file' | 'directory'; readonly name: string; readonly remove: boolean },
): Command => sh`
to=${kind === 'file' ? fileTarget(to, name) : to}
if [ -d "$to" ]; then echo directory; elif [ -e "$to" ] || [ -L "$to" ]; then echo file; else echo nothing; fi
${kind === 'file' ? sh`[ ! -d "$to" ] || to=$to/${name}; ${NO_DIRECTORY}` : DIRECTORY} || exit 1
d=$to; ${remove ? sh`[ ! -d "$d" ] || d=$(cd -P "$d/.." && pwd)` : sh`:`}
until [ -d "$d" ]; do d=\${d%/*}; d=\${d:-/}; done
[ -w "$d" ] || { echo "permission denied: cannot write to $d" >&2; exit 1; }`;

/** Creates what a transfer without a release needs below `deployTo`. */
export const prepareIncoming = (deployTo: string): Command => {
  const { own } = releasePaths(deployTo);
  return script([{ name: `create ${own}`, command: ['mkdir', '-p', `${own}/incoming`, `${own}/peer`] }]);
};

/** Removes what has come of an artifact that is not to be placed. */
export const clearIncoming = (deployTo: string, incoming: string): Command =>
  sh`rm -f ${incoming} ${`${releasePaths(deployTo).own}/peer`}/*.part`;

/** YYYYMMDDHHMM.SS, as touch takes it. */
const touchTime = (seconds: number): string =>
  new Date(Math.max(0, seconds) * 1000).toISOString().replace(/\D/g, '').slice(0, 14).replace(/(..)$/, '.$1');
