import { stripVTControlCharacters } from 'node:util';

/**
 * Columns that a text takes, for the help that yargs lays out. It stands in for `string-width`, whose tables of emoji
 * take 40 ms to set up at every start; our help is plain letters.
 */
export default (text: string): number => stripVTControlCharacters(text).length;
