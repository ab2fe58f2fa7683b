import { type Command, script, sh } from '#protocol/shell.ts';
import type { HostState, ReleaseFacts, ReleaseState } from '#recipe/host-state.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import { ensure } from './host-files.ts';
import { releasePaths } from './release-paths.ts';

type Linked = Pick<DeploySettings, 'linkedFiles' | 'linkedDirs'>;

/**
 * Creates the directories of a deploy, as Capistrano's deploy:check does, and then tells what is on the host; without `runtime`
 * nothing of what could run the peer: none will where all goes straight over SSH.
 */
export const prepareHost = (deployTo: string, linked: Linked, { runtime } = { runtime: true }): Command => {
  const { releases, shared, own } = releasePaths(deployTo);
  const inShared = [...linked.linkedDirs, ...linked.linkedFiles.map(parent)].map((path) => `${shared}/${path}`);
  const inOwn = ['releases', 'incoming', 'peer'].map((name) => `${own}/${name}`);
  return script([
    { name: `create ${deployTo}`, command: ensure([deployTo]) },
    {
      name: `create the directories of ${deployTo}`,
      command: ensure([releases, ...new Set([shared, ...inShared]), ...inOwn]),
    },
    { name: `write to ${releases}`, command: sh`test -w ${releases} && test -w ${own}` },
    ...(runtime ? [{ name: 'run a program', command: tryProgram(`${own}/peer/try`) }] : []),
    { name: 'look at the host', command: inspectHost(deployTo, linked, { runtime }) },
  ]);
};

/** Tells what is on the host, one fact a line, and changes nothing. Read it with `parseHostState`. An empty directory is what a deploy that failed has left (Capistrano takes it for a release). */
export const inspectHost = (
  deployTo: string,
  linked: Linked = { linkedFiles: [], linkedDirs: [] },
  { runtime } = { runtime: true },
): Command => {
  const { current, releases, shared, own } = releasePaths(deployTo);
  return sh`
tab=${'\t'}
if [ -L ${current} ]; then printf 'current\t%s\n' "$(readlink ${current})"; elif [ -e ${current} ]; then printf 'occupied\t%s\n' ${current}; fi
for r in ${releases}/*/; do
  r=\${r%/}; n=\${r##*/}; s=; v=
  case $n in *[!0-9]*) continue;; ??????????????) ;; *) continue;; esac
  if [ -f ${own}/releases/"$n" ]; then read -r s < ${own}/releases/"$n"
  elif [ -f "$r/REVISION" ]; then read -r v < "$r/REVISION"; s="foreign$tab$v"
  elif v=$(ls -A "$r" 2>/dev/null) && [ -z "$v" ]; then s=failed
  else s=foreign; fi
  printf 'release\t%s\t%s\n' "$n" "$s"
done
for f in ${linked.linkedFiles.map((file) => `${shared}/${file}`)}; do [ -e "$f" ] || printf 'missing\t%s\n' "$f"; done
for f in ${own}/peer/*; do [ -f "$f" ] && printf 'program\t%s\n' "\${f##*/}"; done
for f in ${own}/runtime/*/node; do [ -f "$f" ] && f=\${f%/node} && printf 'runtime\t%s\n' "\${f##*/}"; done
${runtime ? TELL_RUNTIME : sh``}
for p in ${TOOLS}; do command -v "$p" >/dev/null && printf 'tool\t%s\n' "$p"; done
command -v tar >/dev/null || echo "without$tab"tar
v=$(df -Pk ${deployTo} 2>/dev/null) && printf 'free\t%s\n' "\${v##*
}"
:`;
};

/** The loaders of glibc, by processor, and of musl. */
const LOADERS = sh`/lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 /lib/ld-musl-*.so.1`;

/** Tells what could run the peer: three programs, of which `node --version` takes a host as long as three others. */
const TELL_RUNTIME = sh`
printf 'machine\t%s\n' "$(uname -m 2>/dev/null)"
for f in ${LOADERS}; do [ -e "$f" ] && printf 'loader\t%s\n' "$f"; done
printf 'libc\t%s\n' "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
command -v node >/dev/null && echo "node$tab$(node --version 2>/dev/null)"`;

/** What can check a hash, take a part of an input, unpack, or listen for a neighbour. */
const TOOLS = ['sha256sum', 'shasum', 'openssl', 'head', 'gzip', 'perl', 'python3'];

/**
 * Where a Node may have to be sent: a file system that is mounted noexec is found by trying; a disk that takes no file is told
 * by what comes after.
 */
const tryProgram = (path: string): Command => sh`
command -v node >/dev/null || {
  if (printf '#!/bin/sh\n' > ${path}) 2>/dev/null && chmod 700 ${path}; then ${path} 2>/dev/null || printf 'noexec\t\n'; fi
  rm -f ${path}
}`;

/** Reads what `inspectHost` printed; lines that are none of ours (a noisy profile) are passed over. */
export const parseHostState = (stdout: string): HostState => {
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  const all = (key: string) => lines.filter(([first]) => first === key).map(([, ...rest]) => rest);
  const one = (key: string) => all(key)[0]?.[0] || undefined;
  const link = one('current');
  const current = link?.replace(/\/$/, '').split('/').pop();
  const node = one('node');
  const glibc = one('libc')?.match(/^glibc (\d+\.\d+)/)?.[1];
  return {
    ...(link === undefined ? {} : { link }),
    ...(current === undefined ? {} : { current }),
    ...(node === undefined ? {} : { node }),
    releases: all('release')
      .map(parseRelease)
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    platform: {
      ...(one('machine') === undefined ? {} : { machine: one('machine') as string }),
      ...(glibc === undefined ? {} : { glibc }),
      loaders: all('loader').flatMap(([path]) => path ?? []),
      tools: all('tool').flatMap(([name]) => name ?? []),
      runtimes: all('runtime').flatMap(([name]) => name ?? []),
      runsPrograms: all('noexec').length === 0,
    },
    programs: all('program').flatMap(([name]) => name ?? []),
    freeBytes: Number(one('free')?.match(/\s(-?\d+)\s+(?:\d+%|-)/)?.[1] ?? Number.NaN) * 1024,
    problems: [
      ...all('occupied').map(([path]) => `${path} is a directory or file, not a link: move it away`),
      ...all('missing').map(([path]) => `the linked file ${path} does not exist: create it on this host`),
      ...all('without').map(([program]) => `there is no ${program} on this host: install it`),
    ],
  };
};

const parseRelease = ([name = '', state, revision, by, at]: string[]): ReleaseFacts => ({
  name,
  state: isReleaseState(state) ? state : 'building',
  ...(revision ? { revision } : {}),
  ...(by ? { by } : {}),
  ...(at ? { at } : {}),
});

const isReleaseState = (word: string | undefined): word is ReleaseState => STATES.includes(word as ReleaseState);
const STATES: readonly ReleaseState[] = ['building', 'ready', 'published', 'failed', 'bad', 'foreign'];

const parent = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.');
