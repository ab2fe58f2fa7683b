/** Where everything is below `deployTo`: Capistrano's layout, and `.rookery` for our own state. */
export const releasePaths = (deployTo: string) => ({
  root: deployTo,
  current: `${deployTo}/current`,
  releases: `${deployTo}/releases`,
  shared: `${deployTo}/shared`,
  log: `${deployTo}/revisions.log`,
  own: `${deployTo}/.rookery`,
  /** Runtimes that were sent, each in a directory of its name. */
  runtimes: `${deployTo}/.rookery/runtime`,
  lock: `${deployTo}/.rookery/lock`,
  release: (name: string) => `${deployTo}/releases/${name}`,
  /** The artifact on its way, before it is unpacked. */
  incoming: (name: string) => `${deployTo}/.rookery/incoming/${name}.tar`,
  /** One line about a release: state, revision, who, when, separated by tabs. */
  state: (name: string) => `${deployTo}/.rookery/releases/${name}`,
});
