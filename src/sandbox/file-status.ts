import ssh2 from 'ssh2';

const { STATUS_CODE } = ssh2.utils.sftp;

/** A handle that the server did not give, or not for this kind of request. */
export class BadHandle extends Error {
  override readonly name = 'BadHandle';
  override readonly message = 'bad handle';
}

/** Nothing more to read from a file or directory. */
export class EndOfFile extends Error {
  override readonly name = 'EndOfFile';
  override readonly message = 'end of file';
}

/** SFTP status and words for an error, by the table of OpenSSH's sftp-server. */
export const statusOf = (error: unknown): [code: number, message: string] => {
  if (!(error instanceof Error)) return [STATUS_CODE.FAILURE, 'failure'];
  if (error instanceof EndOfFile) return [STATUS_CODE.EOF, error.message];
  return [CODES[(error as NodeJS.ErrnoException).code ?? ''] ?? STATUS_CODE.FAILURE, error.message];
};

const CODES: Readonly<Record<string, number>> = {
  ENOENT: STATUS_CODE.NO_SUCH_FILE,
  ENOTDIR: STATUS_CODE.NO_SUCH_FILE,
  ELOOP: STATUS_CODE.NO_SUCH_FILE,
  EACCES: STATUS_CODE.PERMISSION_DENIED,
  EPERM: STATUS_CODE.PERMISSION_DENIED,
  ENAMETOOLONG: STATUS_CODE.BAD_MESSAGE,
  EINVAL: STATUS_CODE.BAD_MESSAGE,
};
