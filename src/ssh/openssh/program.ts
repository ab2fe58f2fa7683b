import { UserError } from '#recipe/user-error.ts';

/** What a run of `ssh` that is waited for said. */
export interface Said {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ssh` to its end, whatever its exit code. */
export const runSsh = async (args: readonly string[]): Promise<Said> => {
  const { execa } = await import('execa');
  const { exitCode, stdout, stderr } = await execa('ssh', args, { reject: false, stdin: 'ignore', detached: true });
  return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' };
};

/** The version of this machine's `ssh`, as `OpenSSH_9.2p1`. @throws UserError where there is none, or none that will do */
export const sshVersion = async (): Promise<string> => {
  const { exitCode, stderr } = await runSsh(['-V']);
  if (exitCode === undefined)
    throw new UserError(
      `ssh.transport 'openssh' needs the program ssh, and there is none in PATH: install OpenSSH's client, or do without ssh.transport`,
      2,
    );
  const [version, major, minor] = stderr.match(/OpenSSH\w*_(\d+)\.(\d+)\w*/) ?? [];
  if (version !== undefined && Number(major) * 100 + Number(minor) >= OLDEST) return version;
  throw new UserError(
    `ssh.transport 'openssh' needs OpenSSH ${Math.floor(OLDEST / 100)}.${OLDEST % 100} or newer; the ssh in PATH says: ${stderr.trim() || 'nothing'}`,
    2,
  );
};

/** The first that knows SSH_ASKPASS_REQUIRE. */
const OLDEST = 804;
