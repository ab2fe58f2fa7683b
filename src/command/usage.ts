import { LOCK_OPTIONS } from './lock-options.ts';

/** What `deploy --help` begins with. */
export const USAGE = `deploy <stage> [task...] [options]

  deploy production                    a whole deploy
  deploy production deploy:rollback    back to the previous release
  deploy production deploy:check       are the hosts ready?
  deploy production deploy:lock -m why no deploys until deploy:unlock
  deploy production releases           what is on every host
  deploy production pending            the commits that a deploy would bring
  deploy production run -- uptime      one command on every host
  deploy swarm --help                  the parts of a swarm, one by one
  deploy production distribute <path> --to <path on hosts>
                                       a file or directory to every host, without a release
  deploy doctor [stage]                what to mend where hosts cannot be reached
  deploy init                          write a deploy.config.ts
  deploy tasks [stage]                 list the tasks`;

/** And ends with. */
export const EPILOGUE = `Exit codes:
  0    done
  1    failed, and no host serves the new release
  2    a mistake in the command line or the configuration
  3    published, but some hosts failed
  4    the lock is held by somebody else
  5    could not connect or log in
  130  interrupted`;

/** Every option of `deploy <stage>`. */
export const OPTIONS = {
  roles: { alias: 'r', type: 'string', requiresArg: true, describe: 'only hosts with one of these roles: app,db' },
  hosts: {
    alias: 'z',
    type: 'string',
    requiresArg: true,
    describe: "only these hosts: 'web*,db1'; '!web03' leaves one out",
  },
  limit: { alias: 'l', type: 'string', requiresArg: true, describe: 'only the first N or N% of them' },
  ref: { alias: 'branch', type: 'string', requiresArg: true, describe: 'git ref to deploy' },
  release: { type: 'string', requiresArg: true, describe: 'release to roll back to' },
  'only-failed': { alias: 'resume', type: 'boolean', describe: 'finish the last deploy on the hosts where it did not' },
  ...LOCK_OPTIONS,
  set: {
    alias: 's',
    type: 'string',
    requiresArg: true,
    describe: 'another value for a key of the configuration: key=value',
  },
  'dry-run': { alias: 'n', type: 'boolean', describe: 'connect, and show the commands that would run; change nothing' },
  'on-failure': {
    choices: ['stop', 'continue'],
    requiresArg: true,
    describe: 'when a host fails before the release is published: stop and undo, or go on without it',
  },
  'max-failures': { type: 'string', requiresArg: true, describe: 'go on while no more than N or N% hosts have failed' },
  tree: { type: 'boolean', describe: 'with `tasks`: the flow of a deploy, with its hooks' },
  to: { type: 'string', requiresArg: true, describe: 'distribute: absolute path on the hosts' },
  delete: { type: 'boolean', describe: 'distribute: a directory that is there is replaced as a whole, not added to' },
  plan: { type: 'boolean', describe: 'show which tasks would run on which hosts, without connecting' },
  format: {
    choices: ['tty', 'plain', 'json'],
    requiresArg: true,
    describe: 'how to report; tty on a terminal, plain otherwise',
  },
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'the configuration file, in place of a search for deploy.config.*',
  },
  verbose: { alias: 'v', type: 'boolean', describe: 'show every command' },
  quiet: { alias: 'q', type: 'boolean', describe: 'show problems and the summary only' },
  trace: { type: 'boolean', describe: 'show stack traces' },
  color: { type: 'boolean', default: true, describe: 'colours; --no-color for none' },
  yes: { alias: 'y', type: 'boolean', describe: 'answer yes to every question' },
} as const;
