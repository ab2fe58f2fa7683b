import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeProject, type Project } from '../support/project.ts';
import { SSHD_TOOLS, type SshdFleet, startSshdFleet } from '../support/sshd-fleet.ts';
import { onTerminal } from '../support/terminal.ts';
import { needs, needsRoot } from '../support/tools.ts';

describe.skipIf(!needs(...SSHD_TOOLS, 'git', 'script', 'ssh-agent', 'ssh-add', 'openssl') || !needsRoot())(
  'keys that are locked, agents with many keys, and passwords',
  () => {
    let fleet: SshdFleet;
    let project: Project;
    let locked: string;
    beforeAll(async () => {
      fleet = await startSshdFleet({ hosts: [{ password: 'open sesame' }, { password: 'open sesame' }] });
      project = await makeProject({ fleet });
      locked = join(project.dir, '.git', 'locked');
      await copyFile(fleet.identityFile, locked);
      await copyFile(`${fleet.identityFile}.pub`, `${locked}.pub`);
      await keygen('-p', '-P', '', '-N', 'secret', '-f', locked);
    });
    afterAll(async () => {
      await fleet?.close();
      await project?.remove();
    });

    const keygen = (...words: string[]) => promisify(execFile)('ssh-keygen', ['-q', ...words]);
    const configure = (ssh: object) => {
      const { user, knownHostsFile } = fleet;
      return project.configure({ config: { ssh: { user, knownHostsFile, ...ssh } } });
    };
    const transports = ['built-in', 'openssh'];
    const count = (text: string, word: string) => text.split(word).length - 1;

    test.each(transports)(
      'a passphrase is asked for once, not once a host, and again when it was wrong: %s',
      async (transport) => {
        await configure({ transport, identityFile: locked });
        const { exitCode, screen } = await onTerminal(project, 'run -- echo here', [
          ['Passphrase', 'wrong\r'],
          ['not it', 'secret\r'],
        ]);
        expect({
          exitCode,
          asked: count(screen, 'Passphrase'),
          here: count(screen, '| here'),
          told: count(screen, 'secret'),
        }).toEqual({ exitCode: 0, asked: 2, here: 2, told: 0 });
      },
    );

    test.each(transports)(
      'a password is the last resort, asked for once; without a terminal nobody is asked: %s',
      async (transport) => {
        await configure({ transport, identityAgent: false });
        const { exitCode, screen } = await onTerminal(project, 'run -- echo here', [['Password', 'open sesame\r']]);
        expect({ exitCode, asked: count(screen, 'Password of'), here: count(screen, '| here') }).toEqual({
          exitCode: 0,
          asked: 1,
          here: 2,
        });
        expect(await project.run(['production', 'run', '--', 'true'])).toMatchObject({ exitCode: 5 });
        const again = transport === 'openssh' ? ['not it', 'not it'] : []; // ssh asks three times
        const cues = ['Password', ...again].map((cue) => [cue, 'wrong\r'] as const);
        const wrong = await onTerminal(project, 'run -- true', cues);
        expect(wrong.exitCode).toBe(5);
        expect(wrong.screen).toMatch(/permission denied.*password/s);
      },
    );

    test("the agent's keys: the one of the key file first, before sshd has seen too many; no others where it is chosen", async () => {
      const socket = join(fleet.dir, 'agent');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(agent.stdout, 'data');
      const env = { SSH_AUTH_SOCK: socket };
      const add = (file: string) => promisify(execFile)('ssh-add', ['-q', file], { env: { ...process.env, ...env } });
      try {
        for (let index = 0; index < 7; index += 1) {
          const file = join(fleet.dir, `other${index}`);
          await keygen('-t', 'ed25519', '-N', '', '-f', file);
          await add(file);
        }
        await configure({ identityFile: locked });
        const without = await project.deploy(['run', '--', 'true'], { env });
        expect(without.of(fleet.hosts[0]!).error?.message).toMatch(/locked is encrypted.*ssh-add/);
        await add(fleet.identityFile);
        expect((await project.deploy(['run', '--', 'true'], { env })).exitCode).toBe(0);
      } finally {
        agent.kill();
      }
      await configure({ identityFile: fleet.identityFile, identityAgent: socket });
      expect((await project.deploy(['run', '--', 'true'])).exitCode).toBe(0); // an agent that is gone is no hindrance
    });
  },
);
