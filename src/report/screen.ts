/**
 * The terminal below the cursor as a region that is drawn over again and again, and lines above it that stay. Every
 * frame is one write, so that nobody sees half of it. A terminal that was made narrower since the last frame has
 * broken the old lines into more rows: they are counted with the new width before the cursor goes up over them.
 */
import type { Writable } from 'node:stream';
import { displayWidth } from './text.ts';

export interface Screen {
  /** Writes `above` for good, then the live lines over the old ones. Live lines must be narrower than the terminal. */
  draw(above: readonly string[], live: readonly string[]): void;
  /** Gives the cursor back until the next live lines. */
  showCursor(): void;
  /** Takes the live lines away, writes the last words and gives the cursor back; later calls do nothing. */
  end(above: readonly string[]): void;
}

/** A screen on a stream that is a terminal. */
export const createScreen = (out: Writable, size: { columns: () => number; rows: () => number }): Screen => {
  let drawn: readonly string[] = [];
  let hidden = false;
  let ended = false;
  let broken = false;
  out.on('error', () => {
    broken = true;
  });
  const write = (text: string) => {
    if (text !== '' && !broken) out.write(text);
  };
  const up = () => {
    const columns = Math.max(1, size.columns());
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0);
    const reach = Math.min(rows, Math.max(0, size.rows() - 1));
    return reach === 0 ? '' : `\x1b[${reach}A`;
  };
  return {
    draw(above, live) {
      if (ended || (above.length === 0 && live.length === 0 && drawn.length === 0)) return;
      const hide = live.length > 0 && !hidden ? HIDE : '';
      hidden ||= live.length > 0;
      const stay = above.length > 0 ? `${CLEAR_BELOW}${above.map(asRow).join('')}` : '';
      const over = live.map((line) => `${line}${CLEAR_RIGHT}\n`).join('');
      write(
        `${hide}${up()}${drawn.length > 0 ? '\r' : ''}${stay}${over}${drawn.length > live.length ? CLEAR_BELOW : ''}`,
      );
      drawn = live;
    },
    showCursor() {
      if (hidden) write(SHOW);
      hidden = false;
    },
    end(above) {
      if (ended) return;
      ended = true;
      write(`${up()}${drawn.length > 0 ? `\r${CLEAR_BELOW}` : ''}${above.map(asRow).join('')}${hidden ? SHOW : ''}`);
      drawn = [];
    },
  };
};

const HIDE = '\x1b[?25l';
const SHOW = '\x1b[?25h';
const CLEAR_RIGHT = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const asRow = (line: string): string => `${line}\n`;
