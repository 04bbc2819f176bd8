/** Style sheets are read as they are: a test computes their contrasts. */
export default { test: { css: true, include: ['test/**/*.test.ts'] } };
