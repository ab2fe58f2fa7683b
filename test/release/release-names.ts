import fc from 'fast-check';

/** Any second of the years 1970 to 2099, as a release is named. */
export const releaseDate = fc
  .integer({ min: 0, max: Date.UTC(2099, 11, 31) / 1000 })
  .map((seconds) => new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14));
