/** The part of bittorrent-tracker's server that Rookery uses; the package has no types of its own. */
declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer, IncomingMessage } from 'node:http';

  export interface ServerOptions {
    readonly http?: boolean;
    readonly udp?: boolean;
    readonly ws?: boolean;
    /** The page at /stats; on by default. */
    readonly stats?: boolean;
    /** Milliseconds between a peer's announces; default 10 minutes. */
    readonly interval?: number;
    /** Decides on an announce: an error's message becomes the failure reason. It may change `ip` and `addr`. */
    readonly filter?: (infoHash: string, params: AnnounceParams, decide: (error: Error | null) => void) => void;
  }

  export interface AnnounceParams {
    /** Hex. */
    readonly peer_id: string;
    readonly port: number;
    readonly left: number;
    readonly httpReq?: IncomingMessage;
    ip: string;
    addr: string;
  }

  export interface Server extends EventEmitter {
    readonly http: HttpServer;
    listen(port: number, host: string | undefined, onListening: () => void): void;
    close(onClosed?: () => void): void;
    on(
      event: 'start' | 'complete' | 'update' | 'stop',
      listener: (address: string, params: AnnounceParams) => void,
    ): this;
    on(event: 'error' | 'warning', listener: (error: Error) => void): this;
  }

  const Server: new (options: ServerOptions) => Server;
  export default Server;
}
