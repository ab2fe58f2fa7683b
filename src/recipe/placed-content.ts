/** What `distribute` brings to every host, and how it is to be there. */
export interface PlacedContent {
  readonly kind: 'file' | 'directory';
  /** Its name on this machine, without the path. */
  readonly name: string;
  /** Permission bits, 0 to 0o777. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
  /** Absolute path on the hosts; a slash at its end says that a file goes into that directory. */
  readonly to: string;
  /** A directory that is there is replaced as a whole; otherwise it is added to. */
  readonly remove: boolean;
}
