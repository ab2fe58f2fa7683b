import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { onTerminal } from '../support/terminal.ts';
import { needs, needsRoot } from '../support/tools.ts';

/** RFC 4226, appendix D: the key, and the codes that count. */
const KEY = Buffer.from('12345678901234567890').toString('hex');
const FIRST = '755224';
const oath = 'auth required pam_oath.so usersfile=/run/oath/users window=5';
const pam = (...auth: string[]) => [...auth, 'account required pam_permit.so', 'session required pam_permit.so', ''];
/** Each host counts its codes by itself. */
const setUp = `mkdir -p /run/oath; mount -t tmpfs tmpfs /run/oath; (umask 077; echo "HOTP root - ${KEY}" > /run/oath/users)`;
const hasOath = ['/lib', '/usr/lib'].some((lib) => existsSync(`${lib}/x86_64-linux-gnu/security/pam_oath.so`));

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'script', 'openssl') || !needsRoot() || !hasOath)(
  'hosts that ask for more than a key or a password (PAM)',
  () => {
    let fleet: SshdFleet;
    let project: Project;
    beforeAll(async () => {
      const both = { setUp, password: 'open sesame', pam: pam('auth required pam_unix.so', oath).join('\n') };
      const config = ['AuthenticationMethods publickey,keyboard-interactive'];
      fleet = await startSshdFleet({ hosts: [both, both, { setUp, pam: pam(oath).join('\n'), config }] });
      project = await makeProject({ fleet });
    });
    afterAll(async () => {
      await fleet?.close();
      await project?.remove();
    });
    const configure = (from: number, to: number, ssh: object) => {
      const { user, knownHostsFile } = fleet;
      return project.configure({
        hosts: fleet.hosts.slice(from, to),
        config: { ssh: { user, knownHostsFile, ...ssh } },
      });
    };
    const count = (text: string, word: string) => text.split(word).length - 1;

    test('the password is asked for once, a one-time code on every host, again where it was mistyped', async () => {
      await configure(0, 2, { identityAgent: false });
      const { exitCode, screen } = await onTerminal(project, 'run -- echo here', [
        ['Password of', 'open sesame\r'],
        [`${fleet.hosts[0]!.address}: One-time`, '000000\r'],
        [`${fleet.hosts[0]!.address}: One-time`, `${FIRST}\r`],
        [`${fleet.hosts[1]!.address}: One-time`, `${FIRST}\r`],
      ]);
      expect({
        ...{ exitCode, passwords: count(screen, 'Password of'), codes: count(screen, 'One-time') },
        ...{ here: count(screen, '| here'), told: count(screen, FIRST) + count(screen, 'open sesame') },
      }).toEqual({ exitCode: 0, passwords: 1, codes: 3, here: 2, told: 0 });
    });

    test('a code beside the key: no password is asked for; without a terminal it is said what is missing', async () => {
      await copyFile(fleet.identityFile, join(project.dir, '.git/key'));
      await configure(2, 3, { identityFile: join(project.dir, '.git/key') });
      const { of } = await project.deploy(['run', '--', 'true']);
      expect(of(fleet.hosts[2]!).error).toMatchObject({
        code: 'auth',
        message: expect.stringMatching(/key was accepted, but the host wants keyboard-interactive.*no terminal/),
      });
      const { exitCode, screen } = await onTerminal(project, 'run -- echo here', [['One-time', `${FIRST}\r`]]);
      expect({ exitCode, passwords: count(screen, 'Password of'), here: count(screen, '| here') }).toEqual({
        ...{ exitCode: 0, passwords: 0, here: 1 },
      });
    });
  },
);
