import { UserError } from '#recipe/user-error.ts';

export interface HostAddress {
  readonly address: string;
  readonly user?: string;
  readonly port?: number;
}

/** Reads `host`, `user@host`, `host:port`, `[ipv6]:port` or a bare IPv6 address. @throws UserError */
export const parseHost = (text: string): HostAddress => {
  const at = text.lastIndexOf('@');
  const user = at > 0 ? text.slice(0, at) : undefined;
  const rest = text.slice(at + 1);
  const match =
    rest.match(/^\[([0-9A-Fa-f:.]+)\](?::(\d+))?$/) ??
    rest.match(/^([0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)$/) ??
    rest.match(/^([^:[\]\s]+)(?::(\d+))?$/);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (!match?.[1] || at === 0 || (port !== undefined && (port < 1 || port > 65535))) {
    throw new UserError(`hosts: '${text}' is not a host; write host, user@host or host:port`, 2);
  }
  return { address: match[1], ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
};
