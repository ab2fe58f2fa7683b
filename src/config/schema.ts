import { isIP } from 'node:net';
import * as v from 'valibot';
import type { Recipe } from '#recipe/recipe.ts';

/** The shape of deploy.config.ts for the machine; `written-config.ts` is the same for people and their editors. */
const text = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
const texts = v.array(text);
const oneOrMore = v.union([text, texts], 'must be a text or a list of texts');
const port = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1, 'must be at least 1'),
  v.maxValue(65535, 'must be at most 65535'),
);
const seconds = v.pipe(v.number(), v.gtValue(0, 'must be more than 0'));
const secondsOrNone = v.pipe(v.number(), v.minValue(0, 'must be 0 or more'));
const absolute = v.pipe(
  text,
  v.regex(/^(\/.|$)/, 'must be an absolute path, as /var/www/shop'),
  v.check(plain, 'must not contain `..`'),
);
const within = v.pipe(
  text,
  v.regex(/^([^/]|$)/, 'must be relative to shared/'),
  v.regex(/^(?!\.?\/?$)|^$/, 'must name something inside shared/'),
  v.check(plain, 'must not contain `..`'),
);
const application = v.pipe(
  text,
  v.regex(/^(?!\.\.?$)[A-Za-z0-9._-]*$/, 'may hold letters, digits, `.`, `_` and `-` only'),
);
const portRange = v.pipe(
  text,
  v.regex(/^\d+-\d+$/, "must be a range such as '42000-42999'"),
  v.check(isPortRange, 'must run from a lower to a higher port, at most 65535'),
);

const gitSource = v.strictObject({
  kind: v.literal('git'),
  ref: v.optional(text),
  repository: v.optional(text),
  directory: v.optional(within),
  submodules: v.optional(v.boolean()),
});
const dirSource = v.strictObject({ kind: v.literal('dir'), path: text });
const archiveSource = v.strictObject({
  kind: v.literal('archive'),
  path: v.pipe(text, v.regex(/\.(tar|tar\.gz|tgz)$/, 'must be a .tar, .tar.gz or .tgz file')),
});
const source = v.variant(
  'kind',
  [gitSource, dirSource, archiveSource],
  "must be git({ref: 'main'}), dir('build') or archive('app.tar.gz')",
);

const recipe = v.custom<Recipe>(
  (value) => (value as Recipe | undefined)?.kind === 'recipe',
  'must be a recipe made by defineRecipe',
);

/** What leads to a host: for all in `ssh`, or for one. */
const login = {
  user: v.optional(text),
  port: v.optional(port),
  identityFile: v.optional(oneOrMore),
  knownHostsFile: v.optional(oneOrMore),
  proxyJump: v.optional(orFalse(oneOrMore, 'must be hosts as user@bastion:22, or false')),
  proxyCommand: v.optional(orFalse(text, 'must be a command, or false')),
};

const ssh = v.strictObject({
  ...login,
  transport: v.optional(v.picklist(['built-in', 'openssh'], "must be 'built-in' or 'openssh'")),
  connectTimeout: v.optional(seconds),
  reconnectTimeout: v.optional(secondsOrNone),
  configFile: v.optional(orFalse(oneOrMore, 'must be a file, a list of files, or false')),
  hostKeyChecking: v.optional(v.picklist(['strict', 'accept-new'], "must be 'strict' or 'accept-new'")),
  identityAgent: v.optional(orFalse(text, "must be the path of an agent's socket, or false")),
  forwardAgent: v.optional(v.boolean()),
});

const cidr = v.pipe(text, v.check(isCidr, "must be a network such as '10.0.0.0/8' or 'fd00::/8'"));

const swarm = v.strictObject({
  ports: v.optional(portRange),
  network: v.optional(v.union([cidr, v.array(cidr)], "must be a network such as '10.0.0.0/8', or a list of networks")),
  reach: v.optional(v.picklist(['auto', 'direct', 'ssh'], "must be 'auto', 'direct' or 'ssh'")),
  runtime: v.optional(v.picklist(['auto', 'host', 'bundled'], "must be 'auto', 'host' or 'bundled'")),
  stallTimeout: v.optional(seconds),
  encryption: v.optional(v.boolean()),
  minBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0, 'must be a number of bytes, or 0'))),
});

const host = v.strictObject({
  host: text,
  ...login,
  hostKeyAlias: v.optional(text),
  roles: v.optional(v.array(v.pipe(text, v.regex(/^[A-Za-z0-9_-]*$/, 'may hold letters, digits, `_` and `-` only')))),
  primary: v.optional(v.boolean()),
  noRelease: v.optional(v.boolean()),
  properties: v.optional(v.record(v.string(), v.unknown())),
  zone: v.optional(text),
  peerAddress: v.optional(text),
  deployTo: v.optional(absolute),
});

const sandbox = v.strictObject({
  kind: v.literal('sandbox'),
  count: v.pipe(v.number(), v.integer(), v.minValue(1, 'must be at least 1'), v.maxValue(200, 'must be at most 200')),
  root: v.optional(text),
});

/** Either form is chosen by looking at the value, so that errors speak of the form that was meant. */
const hosts = v.lazy((value) =>
  Array.isArray(value)
    ? v.pipe(
        v.array(v.lazy((item) => (typeof item === 'string' ? text : host))),
        v.minLength(1, 'must name at least one host'),
      )
    : sandbox,
);

const settings = {
  deployTo: v.optional(absolute),
  build: v.optional(oneOrMore),
  strategy: v.optional(v.picklist(['torrent', 'sftp'], "must be 'torrent' or 'sftp'")),
  keepReleases: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1, 'must be at least 1'))),
  linkedFiles: v.optional(v.array(within)),
  linkedDirs: v.optional(v.array(within)),
  ssh: v.optional(ssh),
  swarm: v.optional(swarm),
  recipes: v.optional(v.array(recipe)),
  set: v.optional(v.record(v.string(), v.unknown())),
  onFailure: v.optional(v.picklist(['stop', 'continue'], "must be 'stop' or 'continue'")),
  maxFailures: v.optional(
    v.union(
      [v.pipe(v.number(), v.integer(), v.minValue(0)), v.pipe(v.string(), v.regex(/^\d+%?$/))],
      "must be a number of hosts, as 3, or a share of them, as '10%'",
    ),
  ),
  commandTimeout: v.optional(seconds),
  commandIdleTimeout: v.optional(seconds),
};

const stage = v.strictObject({ ...settings, application: v.optional(application), source: v.optional(source), hosts });

export const configSchema = v.strictObject({
  ...settings,
  application,
  source,
  stages: v.pipe(
    v.record(text, stage),
    v.check((stages) => Object.keys(stages).length > 0, 'must hold at least one stage'),
  ),
});

/** What may be switched off. */
function orFalse<S extends v.GenericSchema>(schema: S, message: string) {
  return v.union([schema, v.literal(false)], message);
}

function plain(path: string): boolean {
  return !path.split('/').includes('..');
}

function isCidr(network: string): boolean {
  const [address = '', bits, ...more] = network.split('/');
  const most = isIP(address) === 6 ? 128 : 32;
  return isIP(address) > 0 && more.length === 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= most;
}

function isPortRange(range: string): boolean {
  const [first = 0, last = 0] = range.split('-').map(Number);
  return first <= last && last <= 65535;
}
