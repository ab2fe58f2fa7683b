/** Programs that recipes call, played by a script that writes down how it was called; the shell and the host are real. */
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DiskHost } from './project.ts';

export interface Call {
  /** Program and arguments. */
  readonly words: string;
  /** Last part of the directory in which it was called, links followed. */
  readonly place: string;
  /** Programs that called it, the first one first. */
  readonly via: string;
  /** RAILS_ENV, APP_ENV, RBENV_VERSION, NODE_VERSION, as far as they are set. */
  readonly env: string;
}

/** Makes the programs, `path/to/program` each, in a directory. */
export const makeStandIns = async (directory: string, programs: readonly string[]): Promise<void> => {
  await writeFile(join(directory, 'stand-in'), SCRIPT);
  await chmod(join(directory, 'stand-in'), 0o755);
  for (const program of programs) {
    await mkdir(dirname(join(directory, program)), { recursive: true });
    await symlink(join(directory, 'stand-in'), join(directory, program));
  }
};

/** What was called on a host since the last time that it was asked for. */
export const takeCalls = async (host: DiskHost): Promise<Call[]> => {
  const text = await readFile(join(host.files, 'calls'), 'utf8').catch(() => '');
  await rm(join(host.files, 'calls'), { force: true });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [words = '', place = '', via = '', env = ''] = line.split('\t');
      return { words, place: basename(place), via: via.trim(), env: env.trim().replace(/ +/g, ' ') };
    });
};

/** Lets these calls fail on a host from now on. */
export const letFail = (host: DiskHost, ...calls: readonly string[]): Promise<void> =>
  writeFile(join(host.files, 'failing'), `${calls.join('\n')}\n`);

const SCRIPT = `#!/bin/sh
www=/var/www
[ ! -d "$ROOKERY_TEST_HOST/www" ] || www=$ROOKERY_TEST_HOST/www
name=$(basename "$0")
call="$name $*"
case $call in
  'sudo -n -u root -- '*) shift 4; VIA="$VIA sudo" exec "$@" ;;
  'rbenv exec '* | 'bundle exec '*) shift; VIA="$VIA $name" exec "$@" ;;
  'rvm '*' do '*) shift 2; VIA="$VIA rvm" exec "$@" ;;
  'nvm-exec '*) VIA="$VIA nvm" exec "$@" ;;
esac
printf '%s\\t%s\\t%s\\t%s\\n' "$call" "$(pwd -P)" "$VIA" "$RAILS_ENV $APP_ENV $RBENV_VERSION $NODE_VERSION" >> "$www/calls"
if [ -e "$www/failing" ] && grep -qxF "$call" "$www/failing"; then
  echo "$call does not work" >&2
  exit 1
fi
case $call in
  'bundle check') exit 1 ;;
  systemctl*is-active*) echo active ;;
  'crontab -l') cat "$www/crontab" ;;
  'crontab -') cat > "$www/crontab" ;;
  'rake assets:precompile') basename "$(pwd -P)" > public/assets/.sprockets-manifest-1.json ;;
esac
`;
