interface Page {
  readonly next_cursor: string | null;
}

/** More pages than any test has. */
const PAGES_MAX = 2_000;

/** One page of a list after the other. A list without an end is a failed test, not an endless one. */
export async function* everyPage<P extends Page>(
  page: (after: { cursor?: string }) => Promise<P>,
): AsyncGenerator<P> {
  let after: { cursor?: string } = {};
  for (let count = 0; count < PAGES_MAX; count++) {
    const answer = await page(after);
    yield answer;
    if (answer.next_cursor === null) return;
    after = { cursor: answer.next_cursor };
  }
  throw new Error(`the list does not end: ${PAGES_MAX} pages`);
}
