/** The version of this program, as package.json says it. */
export const VERSION = '0.1.0';

/** The first 8 bytes of every peer id of this version (BEP 20). */
export const CLIENT_ID = '-RK0100-';
