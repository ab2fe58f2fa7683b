import pc from 'picocolors';

/** Colours for text, or functions that leave it as it is. */
export type Paint = ReturnType<typeof pc.createColors>;

/** The colours, on or off. */
export const createPaint = (color: boolean): Paint => pc.createColors(color);
