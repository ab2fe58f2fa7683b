/**
 * The names of roles that compile. A project with roles of its own adds them once, in deploy.config.ts:
 * `declare module 'rookery' { interface Roles { worker: unknown } }`.
 */
export interface Roles {
  app: unknown;
  web: unknown;
  db: unknown;
}

export type RoleName = keyof Roles & string;

/** Roles that need no host to be known. */
export const STANDARD_ROLES: readonly RoleName[] = ['app', 'web', 'db'];
