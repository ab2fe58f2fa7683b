import ssh2, { type AuthContext } from 'ssh2';

/** Lets in one user with one ed25519 key, and nobody and nothing else. `publicKey` is a line of authorized_keys. */
export const loginCheck = (user: string, publicKey: string): ((login: AuthContext) => boolean) => {
  const key = ssh2.utils.parseKey(publicKey);
  if (key instanceof Error) throw key;
  return (login) => {
    if (login.method !== 'publickey' || login.username !== user) return false;
    if (login.key.algo !== key.type || !key.getPublicSSH().equals(login.key.data)) return false;
    if (!login.signature || !login.blob) return true; // a client asking whether the key is worth signing with
    return key.verify(login.blob, login.signature, login.hashAlgo) === true;
  };
};
