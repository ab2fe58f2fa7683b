import { Writable } from 'node:stream';

/** A rough terminal: a grid that wraps and scrolls, and the few escape sequences that we use. Unknown ones throw. */
export class Terminal extends Writable {
  columns: number;
  rows: number;
  /** Rows that have scrolled out at the top. */
  scrollback: string[] = [];
  grid: string[] = [''];
  cursorHidden = false;
  /** How many rows were begun by writing past the right edge. */
  wrapped = 0;
  bytes = '';
  private row = 0;
  private column = 0;
  private wakers: (() => void)[] = [];

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
  }

  /** Everything visible and scrolled out, without trailing blanks. */
  get lines(): string[] {
    const lines = [...this.scrollback, ...this.grid].map((line) => line.trimEnd());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }

  /** Resolves with the first screen that `holds`, at once or after a later write. */
  async until(holds: (lines: string[]) => boolean): Promise<string[]> {
    while (!holds(this.lines)) await new Promise<void>((resolve) => this.wakers.push(resolve));
    return this.lines;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.bytes += chunk;
    for (const [token] of chunk.matchAll(/\x1b\[[?\d;]*[A-Za-z]|[\s\S]/gu)) this.take(token);
    done();
    for (const wake of this.wakers.splice(0)) wake();
  }

  private take(token: string): void {
    if (token === '\n') {
      this.column = 0;
      this.down();
    } else if (token === '\r') this.column = 0;
    else if (token === '\x1b[?25l') this.cursorHidden = true;
    else if (token === '\x1b[?25h') this.cursorHidden = false;
    else if (token === '\x1b[K') this.line = this.line.slice(0, this.column);
    else if (token === '\x1b[J') {
      this.line = this.line.slice(0, this.column);
      this.grid.length = this.row + 1;
    } else if (/^\x1b\[\d+A$/.test(token)) this.row = Math.max(0, this.row - Number(token.slice(2, -1)));
    else if (/^\x1b\[[\d;]*m$/.test(token)) return;
    else if (/^[\x00-\x1f\x7f-\x9f]/.test(token))
      throw new Error(`control sequence on the terminal: ${JSON.stringify(token)}`);
    else this.put(token);
  }

  private put(symbol: string): void {
    if (this.column >= this.columns) {
      this.column = 0;
      this.wrapped++;
      this.down();
    }
    this.line =
      this.line.slice(0, this.column).padEnd(this.column) + symbol + this.line.slice(this.column + symbol.length);
    this.column += symbol.length;
  }

  private down(): void {
    this.row++;
    if (this.row < this.rows) {
      this.grid[this.row] ??= '';
      return;
    }
    this.scrollback.push(this.grid.shift() ?? '');
    this.row = this.rows - 1;
    this.grid[this.row] ??= '';
  }

  private get line(): string {
    return this.grid[this.row] ?? '';
  }

  private set line(text: string) {
    this.grid[this.row] = text;
  }
}
