import { defineRecipe, type RoleName, releasePaths, setting, type TaskContext, task } from 'rookery';
import { hostsWith } from 'rookery/recipes/places';

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
  const hosts = (t: TaskContext) => hostsWith(t, roles, 'no maintenance page was touched');
  const enable = async (t: TaskContext) => {
    const content = page ?? new TextEncoder().encode(plainPage(await t.fetch(reason), await t.fetch(until)));
    await t.on(hosts(t), async (host) => {
      const file = `${releasePaths(host.deployTo).shared}/${path}`;
      await host.execute(['mkdir', '-p', file.slice(0, file.lastIndexOf('/'))]);
      await host.upload(content, file);
    });
  };
  const disable = (t: TaskContext) =>
    t.on(hosts(t), (host) => host.execute(['rm', '-f', `${releasePaths(host.deployTo).shared}/${path}`]));
  return defineRecipe({
    name: 'maintenance',
    settings: [reason, until],
    tasks: [
      task('maintenance:enable', 'Show the maintenance page', { release: true, run: enable }),
      task('maintenance:disable', 'Show the application again', { release: true, run: disable }),
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
