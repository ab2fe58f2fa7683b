import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ConnectConfig } from 'ssh2';
import { type SandboxHost, startSandbox } from '#sandbox/start-sandbox.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

export interface Fleet {
  readonly hosts: readonly SandboxHost[];
  readonly root: string;
  /** What ssh2's client needs to log in. */
  login(index: number): Promise<ConnectConfig>;
  /** Runs `ssh host args` or `sftp host args` with the fleet's key and known hosts. */
  openssh(tool: 'ssh' | 'sftp', index: number, args: string[], input?: string): Promise<ToolResult>;
  close(): Promise<void>;
  /** Closes the fleet and removes its directory. */
  end(): Promise<void>;
}

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts embedded hosts in a directory of their own. */
export const startFleet = async (count: number): Promise<Fleet> => {
  const root = await makeTempDir('sandbox');
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const { hosts, close } = await startSandbox({ name: 'sandbox', count, root, env });
  return {
    hosts,
    root,
    close,
    async login(index) {
      const { address: host, port, user: username, identityFile } = hosts[index]!;
      return { host, port, username, privateKey: await readFile(identityFile) };
    },
    openssh(tool, index, args, input = '') {
      const { address, port, user, identityFile, knownHostsFile } = hosts[index]!;
      const options = [
        `Port=${port}`,
        `UserKnownHostsFile=${knownHostsFile}`,
        'StrictHostKeyChecking=yes',
        'BatchMode=yes',
      ];
      return runTool(
        tool,
        [
          ...[
            '-F',
            'none',
            '-i',
            identityFile,
            '-o',
            'IdentitiesOnly=yes',
            ...options.flatMap((option) => ['-o', option]),
          ],
          ...(tool === 'sftp' ? ['-b', '-', ...args, `${user}@${address}`] : [`${user}@${address}`, ...args]),
        ],
        input,
      );
    },
    async end() {
      await close();
      await removeTempDir(root);
    },
  };
};

const runTool = (tool: string, args: string[], input: string): Promise<ToolResult> =>
  new Promise((resolve) => {
    const child = execFile(tool, args, (error, stdout, stderr) =>
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error ? 255 : 0, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
