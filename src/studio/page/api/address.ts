/**
 * Where the page is, as the server said in its `<base>`: `https://host/any/prefix/studio/`. The API is
 * one step up. Read once, when the page is loaded.
 */
export const studioUrl = new URL(".", document.baseURI);

/** Without a slash at its end. */
export const apiUrl = new URL("..", studioUrl).href.replace(/\/$/, "");
