/** A whole number with thousands separators: `2,000`. By hand: the first use of `toLocaleString` loads tables for 20 ms. */
export const formatCount = (count: number): string =>
  (Number.isFinite(count) ? String(Math.round(count)) : '0').replace(/\B(?=(\d{3})+$)/g, ',');
