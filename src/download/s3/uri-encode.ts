/**
 * Percent-encodes everything but unreserved characters and, in a path, the slash (S3 API Reference, "Signature
 * Calculations for the Authorization Header", UriEncode).
 */
export const uriEncoded = (path: string): string => path.split("/").map(componentEncoded).join("/");

/** The same with the slash encoded too: for names and values of a query. */
export const componentEncoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
