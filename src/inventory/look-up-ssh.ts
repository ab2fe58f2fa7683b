import { matchesPatterns } from './pattern.ts';
import type { Directive, SshConfig } from './ssh-config-file.ts';
import { expandTokens, type LocalMachine, type Tokens } from './ssh-tokens.ts';

/** What ssh_config files are asked for. */
export interface SshQuery {
  /** The host as it was written. */
  readonly alias: string;
  /** What was chosen before any file: it wins, and `Match user` sees it. */
  readonly user?: string;
  readonly port?: number;
  readonly local: LocalMachine;
  /** Runs the command of `Match exec`; true for exit code 0. */
  readonly exec: (command: string) => boolean;
}

/** The first line that says something, by keyword in lower case; of `identityfile` all of them, in order. */
export type FoundSettings = ReadonlyMap<string, readonly Directive[]>;

/**
 * What the files say of a host, by OpenSSH's rules: the first value of a keyword wins, and sections are looked at in
 * order, with what was found so far: `Match host` sees the HostName of the lines above it. `Match final` asks for a
 * second walk under the name that was found.
 */
export const lookUpSsh = (config: SshConfig, query: SshQuery): FoundSettings => {
  const found = new Map<string, readonly Directive[]>();
  const walk = { query, found, host: query.alias, final: false, wantsFinal: false };
  for (const file of config) walkFile(file, true, walk);
  if (!walk.wantsFinal) return found;
  const named = found.has('hostname');
  const second = { ...walk, final: true, host: hostNameOf(walk).toLowerCase() };
  for (const file of config) walkFile(file, true, second);
  if (!named) found.delete('hostname'); // the name was settled by the first walk
  return found;
};

interface Walk {
  readonly query: SshQuery;
  readonly found: Map<string, readonly Directive[]>;
  /** The name that `Host` patterns are compared with. */
  readonly host: string;
  readonly final: boolean;
  wantsFinal: boolean;
}

const walkFile = (lines: readonly Directive[], outside: boolean, walk: Walk): void => {
  let active = outside;
  for (const line of lines) {
    if (line.keyword === 'host') active = outside && matchesPatterns(line.args, walk.host);
    else if (line.keyword === 'match') active = matchesCriteria(line.args, walk, outside);
    else if (line.keyword === 'include') for (const file of line.included) walkFile(file, active, walk);
    else if (active) take(line, walk.found);
  }
};

const take = (line: Directive, found: Map<string, readonly Directive[]>): void => {
  const { keyword } = line;
  const earlier = found.get(keyword);
  if (keyword === 'identityfile') found.set(keyword, [...(earlier ?? []), line]);
  else if (earlier === undefined && !isSuperseded(keyword, found)) found.set(keyword, [line]);
};

/** ProxyJump and ProxyCommand are one setting in two words: the first wins. But `ProxyJump none` leaves room for a command. */
const isSuperseded = (keyword: string, found: Map<string, readonly Directive[]>): boolean => {
  if (keyword === 'proxyjump') return found.has('proxycommand');
  const jump = keyword === 'proxycommand' ? found.get('proxyjump')?.[0]?.args[0] : undefined;
  return jump !== undefined && jump.toLowerCase() !== 'none';
};

/** Looked at to the end also where nothing can match any more: a `final` asks for its walk wherever it stands. */
const matchesCriteria = (args: readonly string[], walk: Walk, outside: boolean): boolean => {
  let matches = outside;
  const words = [...args];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const criterion = word.replace(/^!/, '').toLowerCase();
    const holds = WITHOUT_VALUE.includes(criterion)
      ? holdsAlone(criterion, walk)
      : holdsFor(criterion, words.shift() ?? '', walk, matches);
    if (holds === word.startsWith('!')) matches = false;
  }
  return matches;
};

const WITHOUT_VALUE = ['all', 'final', 'canonical'];

const holdsAlone = (criterion: string, walk: Walk): boolean => {
  if (criterion === 'final') walk.wantsFinal = true;
  return criterion === 'all' || walk.final;
};

const holdsFor = (criterion: string, value: string, walk: Walk, soFar: boolean): boolean => {
  const { query } = walk;
  const among = (text: string, list = value) => matchesPatterns(list.split(','), text);
  switch (criterion) {
    case 'host':
      return among(hostNameOf(walk).toLowerCase(), value.toLowerCase());
    case 'originalhost':
      return among(query.alias.toLowerCase(), value.toLowerCase());
    case 'user':
      return among(userOf(walk));
    case 'localuser':
      return among(query.local.user);
    case 'exec':
      return soFar && query.exec(expandTokens(value, tokensOf(walk)));
    default:
      return false;
  }
};

const firstWord = ({ found }: Walk, keyword: string): string | undefined => found.get(keyword)?.[0]?.args[0];

/** The second walk goes under the name that the first one has settled. */
const hostNameOf = (walk: Walk): string =>
  walk.final ? walk.host : (firstWord(walk, 'hostname') ?? walk.host).replaceAll('%h', walk.host);

const userOf = (walk: Walk): string => walk.query.user ?? firstWord(walk, 'user') ?? walk.query.local.user;

const tokensOf = (walk: Walk): Tokens => ({
  host: hostNameOf(walk),
  alias: walk.query.alias,
  port: walk.query.port ?? Number(firstWord(walk, 'port') ?? 22),
  user: userOf(walk),
  hostKeyAlias: firstWord(walk, 'hostkeyalias') ?? walk.host,
  local: walk.query.local,
});
