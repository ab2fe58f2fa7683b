/** What the tokens of ssh_config(5), TOKENS, stand for. */
export interface Tokens {
  /** `%h`: the host to connect to. */
  readonly host: string;
  /** `%n`: the host as it was asked for. */
  readonly alias: string;
  readonly port: number;
  /** `%r`: who logs in. */
  readonly user: string;
  /** `%k`: the name that known_hosts is asked for. */
  readonly hostKeyAlias: string;
  readonly local: LocalMachine;
}

export interface LocalMachine {
  /** `%u`: who runs this program. */
  readonly user: string;
  /** `%d` */
  readonly home: string;
  /** `%l`; `%L` is its part before the first dot. */
  readonly machine: string;
  /** For `${VARIABLE}`. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Replaces `%h` and its like; what is no token stays as it is. */
export const expandTokens = (text: string, tokens: Tokens): string => {
  const { host, alias, port, user, hostKeyAlias, local } = tokens;
  const values: Readonly<Record<string, string>> = {
    ...{ '%': '%', h: host, n: alias, p: String(port), r: user, k: hostKeyAlias },
    ...{ u: local.user, d: local.home, l: local.machine, L: local.machine.replace(/\..*/s, '') },
  };
  return text.replace(/%(.)/g, (token, letter: string) => values[letter] ?? token);
};

/** The same for the path of a file on this machine, which may also begin with `~` and name variables. */
export const expandPath = (path: string, tokens: Tokens): string => {
  const { home, env } = tokens.local;
  const withHome = path === '~' || path.startsWith('~/') ? home + path.slice(1) : path;
  const withVariables = withHome.replace(/\$\{(\w+)\}/g, (all, name: string) => env[name] ?? all);
  return expandTokens(withVariables, tokens);
};
