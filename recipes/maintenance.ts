import { defineRecipe, type RoleName, releasePaths, setting, type TaskContext, task } from 'rookery';

export interface MaintenanceOptions {
  /** A page of yours, on this machine. @default a plain one that says why and until when */
  readonly page?: string;
  /** Where the web server looks for it, in `shared/`. @default 'public/system/maintenance.html' */
  readonly path?: string;
  /** @default ['web'] */
  readonly roles?: readonly RoleName[];
}

const reason = setting('maintenance.reason', 'maintenance');
const until = setting('maintenance.until', 'shortly');

/**
 * `maintenance:enable` puts a page on the hosts that the web server shows while it is there; `maintenance:disable`
 * removes it. `--set maintenance.reason=… --set maintenance.until=…`. Capistrano: capistrano-maintenance.
 */
export const maintenance = ({
  page,
  path = 'public/system/maintenance.html',
  roles = ['web'],
}: MaintenanceOptions = {}) => {
  const where = { release: true, roles };
  const enable = async ({ on, hosts, fetch }: TaskContext) => {
    const content = page ?? new TextEncoder().encode(plainPage(await fetch(reason), await fetch(until)));
    await on(hosts, async (host) => {
      const file = `${releasePaths(host.deployTo).shared}/${path}`;
      await host.execute(['mkdir', '-p', file.slice(0, file.lastIndexOf('/'))]);
      await host.upload(content, file);
    });
  };
  const disable = ({ on, hosts }: TaskContext) =>
    on(hosts, (host) => host.execute(['rm', '-f', `${releasePaths(host.deployTo).shared}/${path}`]));
  return defineRecipe({
    name: 'maintenance',
    settings: [reason, until],
    tasks: [
      task('maintenance:enable', 'Show the maintenance page', { ...where, run: enable }),
      task('maintenance:disable', 'Show the application again', { ...where, run: disable }),
    ],
  });
};

const plainPage = (why: string, when: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Down for ${asText(why)}</title>
<style>body { font: 18px/1.5 system-ui, sans-serif; max-width: 32em; margin: 20vh auto; padding: 0 1em }</style>
<h1>Down for ${asText(why)}</h1>
<p>We will be back ${asText(when)}.</p>
</html>
`;

const asText = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '&quot;');
