import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shellText } from '#protocol/shell.ts';
import { writeCrontab } from '../../recipes/cron.ts';
import { ask, type HttpQuestion } from '../../recipes/http.ts';
import { untilActive } from '../../recipes/systemd.ts';
import { replaceMaster } from '../../recipes/unicorn.ts';
import { freePort } from '../support/free-address.ts';
import { findShells, runIn, type Shell } from '../support/shells.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { findTool, needs } from '../support/tools.ts';

let dir: string;
beforeAll(async () => {
  dir = await makeTempDir('recipes');
});
afterAll(() => removeTempDir(dir));

/** A program that is a text for sh, before all others. */
const withProgram = async (shell: Shell, name: string, text: string): Promise<Shell> => {
  const bin = join(dir, `bin-${shell.name}`);
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
  await chmod(join(bin, name), 0o755);
  return { ...shell, env: { ...shell.env, PATH: `${bin}:${shell.env.PATH}` } };
};

describe.each(findShells())('in $name', (shell) => {
  test('a crontab keeps what is not ours, and is written only when it changes', async () => {
    const table = join(dir, `crontab-${shell.name}`);
    const log = join(dir, `writes-${shell.name}`);
    const program = `case $1 in -l) cat ${table} ;; -) cat > ${table}; echo write >> ${log} ;; esac`;
    const here = await withProgram(shell, 'crontab', program);
    const write = async (mark: string, ...lines: string[]) => {
      const text = shellText(writeCrontab(mark, lines));
      expect(await runIn(here, text)).toMatchObject({ exitCode: 0, stderr: '' });
      return readFile(table, 'utf8');
    };
    const block = (mark: string, ...lines: string[]) =>
      `${[`# BEGIN ${mark} (written by each deploy)`, ...lines, `# END ${mark}`].join('\n')}\n`;
    expect(await write('shop live', '@daily one \\% two')).toBe(block('shop live', '@daily one \\% two'));
    await writeFile(table, `MAILTO=ann\n${block('shop live', 'old')}# a\\b 'quoted'\n`);
    expect(await write('shop live', 'new')).toBe(`MAILTO=ann\n# a\\b 'quoted'\n${block('shop live', 'new')}`);
    expect(await write('shop', 'other')).toContain(`${block('shop live', 'new')}${block('shop', 'other')}`);
    const before = (await readFile(log, 'utf8')).length;
    expect(await write('shop', 'other')).toContain('other');
    expect((await readFile(log, 'utf8')).length).toBe(before);
    expect(await write('shop live')).toBe(`MAILTO=ann\n# a\\b 'quoted'\n${block('shop', 'other')}`);
    await writeFile(table, '# BEGIN shop (written by each deploy)\nthe end is missing\n');
    expect(await write('shop')).toContain('the end is missing');
  });

  test('a unit is waited for until it is active, and told when it has failed', async () => {
    const states = join(dir, `states-${shell.name}`);
    const program = `case $1 in
  is-active) state=$(head -n 1 ${states}); sed 1d ${states} > ${states}.rest; mv ${states}.rest ${states}; echo $state; [ $state = active ] ;;
  status) echo 'the last words'; exit 3 ;;
esac`;
    const here = await withProgram(await withProgram(shell, 'sleep', 'exit 0'), 'systemctl', program);
    const wait = async (...list: string[]) => {
      await writeFile(states, `${list.join('\n')}\n`);
      return runIn(here, shellText(untilActive(false, 'shop', 1)));
    };
    expect(await wait('activating', 'active')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await wait('failed')).toMatchObject({ exitCode: 1, stderr: 'shop is failed\nthe last words\n' });
    expect(await wait('activating', 'activating', 'active')).toMatchObject({ exitCode: 1 });
  });

  test("Unicorn's old master ends when the new one has taken over, and stays where that one fails", async () => {
    const pid = join(dir, `pid-${shell.name}`);
    const here = await withProgram(shell, 'sleep', `exec ${findTool('sleep')} 0.02`);
    for (const takesOver of [true, false]) {
      const master = await startMaster(pid, takesOver);
      const ended = once(master, 'exit');
      const result = await runIn(here, shellText(replaceMaster(pid, 0, takesOver ? 1000 : 1)));
      const serving = Number(await readFile(pid, 'utf8'));
      if (takesOver) {
        expect(result).toMatchObject({ exitCode: 0, stderr: '' });
        await ended;
        expect(serving).not.toBe(master.pid);
      } else {
        expect(result).toMatchObject({ exitCode: 1, stderr: 'no new master of Unicorn after 1 s\n' });
        expect(serving).toBe(master.pid);
      }
      process.kill(serving, 'SIGQUIT');
    }
  });
});

/** A program that does at USR2 and QUIT what Unicorn does; not a shell, which may not trap QUIT in the background. */
const MASTER = `
const { writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const [code, pid, takesOver] = process.argv.slice(1);
const start = () => spawn(process.execPath, ['-e', code, code, pid, takesOver], { stdio: 'ignore', detached: true });
process.on('SIGUSR2', () => takesOver === 'true' && start());
process.on('SIGQUIT', () => process.exit());
setInterval(() => {}, 1000);
writeFileSync(pid, String(process.pid));
console.log('ready');
`;

const startMaster = async (pid: string, takesOver: boolean): Promise<ChildProcess> => {
  const master = spawn(process.execPath, ['-e', MASTER, MASTER, pid, `${takesOver}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(master.stdout, 'data');
  return master;
};

describe.skipIf(!needs('curl', 'wget'))('asking a host over HTTP', () => {
  let server: Server;
  let site: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const status = Number(request.url?.slice(1));
      response.writeHead(status, status === 302 ? { location: '/200' } : {}).end(`it's fine\nHTTP/1.1 999 no status\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  const clients = ['curl', 'wget', 'busybox', 'node', 'nothing'] as const;
  test.each(clients)('with %s', async (client) => {
    if (client === 'busybox' && !needs('busybox')) return;
    const bin = join(dir, `client-${client}`);
    await mkdir(bin);
    for (const tool of ['sh', 'sed', 'head', 'tail', 'grep']) await symlink(findTool(tool)!, join(bin, tool));
    if (client === 'busybox') await symlink(findTool('busybox')!, join(bin, 'wget'));
    else if (client === 'node') await symlink(process.execPath, join(bin, 'node'));
    else if (client !== 'nothing') await symlink(findTool(client)!, join(bin, client));
    const question = async (changes: Partial<HttpQuestion>, path = '200') => {
      const text = shellText(ask({ url: `${site}/${path}`, status: 200, text: '', timeout: 5, ...changes }));
      const shell: Shell = { name: client, command: ['/bin/sh', '-c'], env: { PATH: bin } };
      const { exitCode, stderr } = await runIn(shell, text);
      return { exitCode, stderr: stderr.trim() };
    };
    if (client === 'nothing') {
      expect(await question({})).toEqual({
        exitCode: 127,
        stderr: 'the host has neither curl nor wget nor node to ask with',
      });
      return;
    }
    expect(await question({})).toEqual({ exitCode: 0, stderr: '' });
    expect(await question({ text: "it's fine" })).toEqual({ exitCode: 0, stderr: '' });
    expect(await question({ text: "it's bad" })).toEqual({
      exitCode: 1,
      stderr: "the answer does not hold 'it's bad'",
    });
    expect(await question({}, '503')).toEqual({ exitCode: 1, stderr: 'status 503, not 200' });
    expect(await question({ status: 404 }, '404')).toEqual({ exitCode: 0, stderr: '' });
    expect(await question({ status: 302 }, '302')).toEqual({ exitCode: 0, stderr: '' });
    const refused = await question({ url: `http://127.0.0.1:${await freePort(['127.0.0.1'])}/` });
    expect(refused).toEqual({ exitCode: 1, stderr: expect.stringMatching(/refused|connect/i) });
  });
});

test.skipIf(!needs('shellcheck'))('ShellCheck finds nothing beyond POSIX', () => {
  const commands = [
    writeCrontab('shop live', ['@daily true']),
    ask({ url: 'http://127.0.0.1/', status: 200, text: "it's", timeout: 5 }),
    untilActive(true, 'shop', 30),
    replaceMaster('tmp/pids/unicorn.pid', 3, 30),
  ];
  for (const command of commands) {
    const input = `${shellText(command)}\n`;
    const args = ['-s', 'sh', '-S', 'warning', '-f', 'gcc', '-'];
    expect(spawnSync('shellcheck', args, { input, encoding: 'utf8' }).stdout).toBe('');
  }
});
