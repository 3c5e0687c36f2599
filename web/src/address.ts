// Where the function app is.

/**
 * Return the URL that negotiate is relative to, without a slash at the end: what `?api=` says, else the
 * page's own URL without its last segment, because the page is one of the app's functions.
 *
 * Throw an Error whose message is for the person in front of the page.
 */
export function apiBase(page: URL): string {
  const given = page.searchParams.get("api");
  if (given === null) {
    if (!isHttp(page)) throw new Error("This page was opened from a file. Add ?api= and the app's address to its URL.");
    return page.origin + page.pathname.replace(/\/[^/]*$/, "");
  }
  const base = URL.canParse(given) ? new URL(given) : null;
  if (base === null || !isHttp(base)) {
    throw new Error(`"${given}" in this page's URL is not an address such as https://example.org/api.`);
  }
  return base.origin + base.pathname.replace(/\/+$/, "");
}

function isHttp(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}
