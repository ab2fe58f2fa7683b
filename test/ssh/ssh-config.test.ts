import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSshConfig } from '#inventory/ssh-config-file.ts';
import { sh } from '#protocol/shell.ts';
import { builtInTransport } from '#ssh/connect.ts';
import { makeSecrets } from '#ssh/keys.ts';
import { openSessions } from '#ssh/open-sessions.ts';
import { createNetworkNotices } from '#swarm/network-notices.ts';
import { createOriginRoutes } from '#swarm/origin-routes.ts';
import { inventoryOf } from '../inventory/hosts.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { needs } from '../support/tools.ts';

/** What ssh_config asks for, seen at the other end: one connection each to a real sshd, without the rest of a run. */
describe.skipIf(!needs(...SSHD_TOOLS, 'ssh-agent', 'ssh-add'))('a session', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    fleet = await startSshdFleet({ hosts: [{}, { config: ['AllowTcpForwarding no'] }] });
  });
  afterAll(() => fleet?.close());

  /** Connects to a host of the fleet with these lines of ssh_config. */
  const open = async (lines: readonly string[], { index = 0, env = {} } = {}) => {
    const { address, port } = fleet.hosts[index]!;
    const file = join(fleet.dir, 'ssh_config');
    const all = ['Host host', `  HostName ${address}`, `  Port ${port}`, `  User ${fleet.user}`, ...lines];
    await writeFile(file, [...all, `  UserKnownHostsFile ${fleet.knownHostsFile}`, ''].join('\n'));
    const sshConfig = await readSshConfig([{ path: file, named: true, base: fleet.dir }], fleet.dir);
    const ssh = { identityFile: fleet.identityFile };
    const inventory = inventoryOf(['host'], { ssh }, { sshConfig, env });
    const opened = await openSessions(
      inventory,
      builtInTransport(makeSecrets(undefined)),
      () => {},
      new AbortController().signal,
    );
    const [session] = opened.sessions;
    const said = async (command: string) => (await session!.run(sh`${{ kind: 'shell', text: command }}`)).stdout.trim();
    return { ...opened, session, said, error: opened.failures[0]?.error.message };
  };

  test('ForwardAgent lends the agent to commands, and nothing is lent without it', async () => {
    const socket = join(fleet.dir, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(agent.stdout, 'data');
    try {
      const env = { SSH_AUTH_SOCK: socket };
      await promisify(execFile)('ssh-add', ['-q', fleet.identityFile], { env: { ...process.env, ...env } });
      const lent = await open(['  ForwardAgent yes'], { env });
      expect(await lent.said('ssh-add -l')).toMatch(/ED25519/);
      await lent.close();
      const kept = await open([], { env });
      expect(await kept.said('echo "$SSH_AUTH_SOCK"')).toBe('');
      await kept.close();
    } finally {
      agent.kill();
    }
  });

  test('BindAddress is where the host sees us; one that is not ours is named', async () => {
    const from = fleet.hosts[1]!.address;
    const { said, close } = await open([`  BindAddress ${from}`]);
    expect(await said('echo "$SSH_CONNECTION"')).toMatch(new RegExp(`^${from.replaceAll('.', '\\.')} `));
    await close();
    expect((await open(['  BindAddress 192.0.2.1'])).error).toMatch(/no address 192\.0\.2\.1 to connect from/);
  });

  test('AddressFamily excludes addresses of the other family', async () => {
    const { said, close } = await open(['  AddressFamily inet']);
    expect(await said('echo here')).toBe('here');
    await close();
    expect((await open(['  AddressFamily inet6'])).error).toMatch(/AddressFamily of ssh_config excludes IPv4/);
  });

  test('Ciphers, KexAlgorithms and MACs: sshd agrees to the one that is asked for, and what nobody knows is refused', async () => {
    const lists = ['  Ciphers aes192-ctr', '  KexAlgorithms ecdh-sha2-nistp384', '  MACs hmac-sha2-512'];
    const { close, said } = await open(lists);
    expect(await said('echo here')).toBe('here');
    await close();
    const none = await open(['  Ciphers 3des-cbc']);
    expect(none.error).toMatch(/no matching C->S cipher|cipher/i);
    expect((await open(['  MACs nothing-of-ours'])).error).toMatch(/MACs of ssh_config leaves nothing/);
  });

  test('a forwarded port: what connects there comes out here; an sshd that forwards nothing is named', async () => {
    const { session, close } = await open([]);
    const port = await session!.forward((stream) => void stream.pipe(stream));
    const socket = connect(port, '127.0.0.1');
    const echoed = once(socket.setEncoding('utf8'), 'data');
    socket.write('hello');
    expect((await echoed)[0]).toBe('hello');
    socket.end();
    await once(socket, 'close');
    await close();
    const closed = await open([], { index: 1 });
    await expect(closed.session!.forward(() => {})).rejects.toThrow(/AllowTcpForwarding/);
    await closed.close();
  });

  test('a host gets the seeder, and the tracker with it, at once or late; where sshd forbids it, it is told', async () => {
    const told: string[] = [];
    const notices = createNetworkNotices(
      (fact) => fact.type === 'notice' && told.push(fact.message),
      () => false,
    );
    const take = () => {};
    const tracker = { port: 7, url: (at: string) => `http://${at}:7/announce`, take, close: async () => {} };
    const routes = (reach: 'auto' | 'direct' | 'ssh') =>
      createOriginRoutes({ tracker, seeder: { port: 5, take }, reach, notices });
    const { session, close } = await open([]);
    const target = { remote: session!, path: '/x', cache: '/y' };
    const here = session!.addresses.local;
    const direct = { seeder: { host: here, port: 5 }, announce: [`http://${here}:7/announce`], carried: false };
    const over = {
      seeder: { host: '127.0.0.1', port: expect.any(Number) },
      announce: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/announce$/)],
      carried: true,
    };
    expect(await routes('auto').choose(target, { ssh: { client: here, server: here } })).toEqual(direct);
    expect(await routes('auto').choose(target, { ssh: { client: '192.0.2.9', server: here } })).toEqual(over);
    expect(await routes('ssh').choose(target, {})).toEqual(over);
    expect(await routes('auto').carry(target, 'it does not get through')).toEqual(over);
    expect(await routes('direct').carry(target, '')).toBeUndefined();
    await close();
    const closed = await open([], { index: 1 });
    const other = { ...target, remote: closed.session! };
    expect(await routes('auto').carry(other, '')).toBeUndefined();
    expect(await routes('ssh').choose(other, {})).toMatchObject({ carried: false });
    await closed.close();
    notices.end();
    expect(told.join('\n')).toMatch(/host: no way to the seeder but by other hosts: .*AllowTcpForwarding/);
  });
});
