import { Failure } from "../failure.ts";
import type { HttpResponse } from "../net/http.ts";
import { retryAfterOf } from "../net/retry-after.ts";
import { shown } from "../net/url.ts";
import { expiryOf } from "./presigned.ts";

const transient = new Set([202, 408, 425, 429]);

const hints: Record<number, string> = {
  401: "the server wants credentials: give user, bearer or an Authorization header, and check the Secret that they come from",
  403: "the credentials do not allow it; a presigned URL may have expired",
  404: "check the URL, and that this version is published; some servers answer 404 to wrong credentials too",
  407: "the proxy wants credentials",
  410: "it is gone for good: name another version or mirror",
  429: "the server limits requests: give credentials, or use a mirror",
};

/**
 * An answer that does not carry what was asked for, as a Failure: whether another try can help is in its status
 * (RFC 9110, section 15), and when is in its Retry-After.
 */
export function statusFailure({ status, headers, url }: HttpResponse): Failure {
  const message = `HTTP GET ${shown(url)}: the server answered ${status}`;
  const kind = `http:${status}`;
  if (status >= 500 || transient.has(status)) {
    const hint =
      hints[status] ?? "the server or a proxy before it is failing or still starting: look at its log";
    return new Failure("source-unavailable", message, {
      kind,
      hint,
      retryAfter: retryAfterOf(headers["retry-after"]),
    });
  }
  const isAnotherPlace = isRedirect(status) && headers["location"] !== undefined;
  return new Failure("refused", isAnotherPlace ? `${message}, a redirect that is not followed` : message, {
    kind,
    hint: expiredHint(url) ?? hints[status] ?? (isAnotherPlace ? redirectHint : otherHint),
  });
}

/** The answer to a URL that has expired is 403, but 400 in some clouds. */
function expiredHint(url: URL): string | undefined {
  const expiry = expiryOf(url);
  if (!expiry || expiry.getTime() > Date.now()) return undefined;
  return `the presigned URL was good until ${expiry.toISOString()}, and here it is ${new Date().toISOString()}: make a new one, good for longer than a pod may take to start`;
}

const redirectHint = "name the final URL, or leave no-redirects out";
const otherHint =
  "there is no file in that answer: ask for the URL with curl -v, and look at the log of the server or of a proxy before it";

const isRedirect = (status: number): boolean => status >= 300 && status < 400;
