/** Parts of ssh2: a deploy needs no server, and neither HTTP nor the making of keys. */
declare module 'ssh2/lib/client.js' {
  export { Client as default } from 'ssh2';
}
declare module 'ssh2/lib/agent.js' {
  import { BaseAgent, createAgent } from 'ssh2';

  const agents: { readonly BaseAgent: typeof BaseAgent; readonly createAgent: typeof createAgent };
  export default agents;
}
declare module 'ssh2/lib/protocol/keyParser.js' {
  import { utils } from 'ssh2';

  const parser: { readonly parseKey: typeof utils.parseKey };
  export default parser;
}

/** What ssh2 can do; its types leave these lists out. */
declare module 'ssh2/lib/protocol/constants.js' {
  const constants: {
    readonly DEFAULT_CIPHER: readonly string[];
    readonly DEFAULT_KEX: readonly string[];
    readonly DEFAULT_MAC: readonly string[];
    readonly DEFAULT_SERVER_HOST_KEY: readonly string[];
    readonly SUPPORTED_CIPHER: readonly string[];
    readonly SUPPORTED_KEX: readonly string[];
    readonly SUPPORTED_MAC: readonly string[];
    readonly SUPPORTED_SERVER_HOST_KEY: readonly string[];
  };
  export default constants;
}
