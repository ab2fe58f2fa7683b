import { type Command, sh } from '#protocol/shell.ts';

/** Stores so many bytes of stdin, readable by its owner alone, and compares their hash. */
export const receiveFile = (path: string, sha256: string, bytes: number): Command =>
  sh`umask 077; [ ! -e ${path} ] || rm -f ${path}
head -c ${bytes} > ${path} || exit
${verifyFile(path, sha256)}`;

export const RECEIVE = 'receive and verify the artifact';
export const VERIFY = 'verify the SHA-256 of the artifact';

/** Compares with whatever program for SHA-256 the host has. */
export const verifyFile = (path: string, sha256: string): Command => sh`
if command -v sha256sum >/dev/null; then h=$(sha256sum < ${path})
elif command -v shasum >/dev/null; then h=$(shasum -a 256 < ${path})
elif command -v openssl >/dev/null; then h=$(openssl dgst -r -sha256 < ${path})
else echo 'there is no sha256sum, shasum or openssl on this host' >&2; exit 1; fi
[ "\${h%% *}" = ${sha256} ] || { echo "the SHA-256 is \${h%% *}, it should be "${sha256} >&2; exit 1; }`;

/** Whether a host with these tools can receive a file like this. */
export const canReceive = (tools: readonly string[]): boolean => canVerify(tools) && tools.includes('head');

/** Whether it can verify one. */
export const canVerify = (tools: readonly string[]): boolean =>
  ['sha256sum', 'shasum', 'openssl'].some((name) => tools.includes(name));
