/** Why a peer gave up. It passes on what its system says, `ENOSPC: ...`: in words first. */
export const failureWords = ({ code, message }: { readonly code: string; readonly message: string }): string => {
  if (code === 'disk-full') return `the disk is full (${message})`;
  return code === 'permission' ? `no permission (${message})` : message;
};
