import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { namespaceOf } from '../support/host-processes.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs, needsRoot } from '../support/tools.ts';

describe.skipIf(!needs(...SSHD_TOOLS))('a fleet of eight OpenSSH servers', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: 8 });
  });
  afterAll(() => fleet?.close());

  test('has the same path on every host, and different files there', async () => {
    await Promise.all(
      fleet.hosts.map(async (host) => {
        const path = host.deployTo('shop');
        const { stdout } = await fleet.ssh(
          host,
          `mkdir -p ${path} && echo ${host.name} > ${path}/name && cat ${path}/name`,
        );
        expect(stdout).toBe(`${host.name}\n`);
        expect(await readFile(join(host.files, 'shop/name'), 'utf8')).toBe(stdout);
      }),
    );
    expect(existsSync('/var/www/shop/name')).toBe(false);
  });

  test('knows what runs and listens on one host, however it was detached, and that it has gone', async () => {
    const [host, other] = fleet.hosts as [SshdFleet['hosts'][0], SshdFleet['hosts'][0]];
    const server = "require('net').createServer().listen(0,'127.0.0.1',()=>console.log('up'))";
    const { stdout } = await fleet.ssh(
      host,
      `cd ${dirname(host.deployTo('x'))} && mkfifo up || exit; nohup setsid node -e "${server}" > up 2>&1 & head -n1 up; rm up`,
    );
    expect(stdout).toBe('up\n');
    expect(host.processes().map((entry) => entry.command)).toEqual([`node -e ${server}`]); // newer Node renames its main thread
    expect(host.listeningPorts()).toHaveLength(1);
    expect([other.processes(), other.listeningPorts()]).toEqual([[], []]);
    for (const { pid } of host.processes()) process.kill(pid);
    expect(await host.quiet()).toEqual([]);
    expect(host.listeningPorts()).toEqual([]);
  });

  test('gives a host another key, which its known_hosts does not hold', async () => {
    const host = fleet.hosts[7]!;
    await fleet.ssh(host, 'true');
    await fleet.rekey(host);
    await expect(fleet.ssh(host, 'true')).rejects.toThrow('REMOTE HOST IDENTIFICATION HAS CHANGED');
  });

  test('stops a host and starts it again with its files', async () => {
    const host = fleet.hosts[6]!;
    await mkdir(join(host.files, 'kept'));
    await fleet.stop(host);
    await expect(fleet.ssh(host, 'true')).rejects.toThrow('Connection refused');
    await fleet.start(host);
    expect((await fleet.ssh(host, `ls ${dirname(host.deployTo('kept'))}`)).stdout).toContain('kept\n');
  });
});

describe.skipIf(!needs(...SSHD_TOOLS))('a fleet with poor hosts', () => {
  test('has hosts without some tools, and with few channels', async () => {
    const fleet = await startSshdFleet({ hosts: [{ without: ['node', 'nodejs'] }, { maxSessions: 1 }] });
    try {
      const { stdout } = await fleet.ssh(fleet.hosts[0]!, 'command -v node || echo none; ls / > /dev/null && echo ls');
      expect(stdout).toBe('none\nls\n');
      expect((await fleet.ssh(fleet.hosts[1]!, 'node -p 1')).stdout).toBe('1\n');
    } finally {
      await fleet.close();
    }
  });

  test.skipIf(!needsRoot())('has a host whose disk is full', async () => {
    const fleet = await startSshdFleet({ hosts: 1, diskSize: '1m' });
    const host = fleet.hosts[0]!;
    try {
      await expect(fleet.ssh(host, `head -c 2000000 /dev/zero > ${host.deployTo('x')}`)).rejects.toThrow(
        'No space left',
      );
      await writeFile(join(host.files, 'x'), 'seen from outside');
      expect((await fleet.ssh(host, `cat ${host.deployTo('x')}`)).stdout).toBe('seen from outside');
    } finally {
      await fleet.close();
    }
  });

  test('leaves no process when it closes, whatever was started on its hosts', async () => {
    const fleet = await startSshdFleet({ hosts: 2 });
    const host = fleet.hosts[0]!;
    await fleet.ssh(host, 'nohup sleep 1000 > /dev/null 2>&1 &');
    const pids = [host.pid, ...host.processes().map((entry) => entry.pid)];
    expect(pids).toHaveLength(2);
    await fleet.close();
    expect(await host.quiet()).toEqual([]);
    expect(namespaceOf(host.pid)).toBeUndefined();
    expect(existsSync(fleet.dir)).toBe(false);
  });
});
