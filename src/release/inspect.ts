import { type Command, script, sh } from '#protocol/shell.ts';
import type { HostState, ReleaseFacts, ReleaseState } from '#recipe/host-state.ts';
import type { DeploySettings } from '#recipe/settings.ts';
import { releasePaths } from './release-paths.ts';

type Linked = Pick<DeploySettings, 'linkedFiles' | 'linkedDirs'>;

/** Creates the directories of a deploy, as Capistrano's deploy:check does, and then tells what is on the host. */
export const prepareHost = (deployTo: string, linked: Linked): Command => {
  const { releases, shared, own } = releasePaths(deployTo);
  const inShared = [...linked.linkedDirs, ...linked.linkedFiles.map(parent)].map((path) => `${shared}/${path}`);
  const inOwn = ['releases', 'incoming', 'peer'].map((name) => `${own}/${name}`);
  return script([
    { name: `create ${deployTo}`, command: ['mkdir', '-p', deployTo] },
    {
      name: `create the directories of ${deployTo}`,
      command: ['mkdir', '-p', releases, ...new Set([shared, ...inShared]), ...inOwn],
    },
    { name: `write to ${releases}`, command: sh`test -w ${releases} && test -w ${own}` },
    { name: 'look at the host', command: inspectHost(deployTo, linked) },
  ]);
};

/** Tells what is on the host, one fact a line, and changes nothing. Read it with `parseHostState`. An empty directory is what a deploy that failed has left (Capistrano takes it for a release). */
export const inspectHost = (deployTo: string, linked: Linked = { linkedFiles: [], linkedDirs: [] }): Command => {
  const { current, releases, shared, own } = releasePaths(deployTo);
  return sh`
tab=$(printf '\t')
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
command -v tar >/dev/null || echo "without$tab"tar
command -v node >/dev/null && echo "node$tab$(node --version 2>/dev/null)"
echo "free$tab$(df -Pk ${deployTo} 2>/dev/null | awk 'NR == 2 { print $4 }')"`;
};

/** Reads what `inspectHost` printed; lines that are none of ours (a noisy profile) are passed over. */
export const parseHostState = (stdout: string): HostState => {
  const lines = stdout.split('\n').map((line) => line.split('\t'));
  const all = (key: string) => lines.filter(([first]) => first === key).map(([, ...rest]) => rest);
  const one = (key: string) => all(key)[0]?.[0] || undefined;
  const link = one('current');
  const current = link?.replace(/\/$/, '').split('/').pop();
  const node = one('node');
  return {
    ...(link === undefined ? {} : { link }),
    ...(current === undefined ? {} : { current }),
    ...(node === undefined ? {} : { node }),
    releases: all('release')
      .map(parseRelease)
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    programs: all('program').flatMap(([name]) => name ?? []),
    freeBytes: Number(one('free') ?? Number.NaN) * 1024,
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
