import { Failure } from "../failure.ts";
import type { HttpResponse } from "../net/http.ts";
import { retryAfterOf } from "../net/retry-after.ts";
import { shown } from "../net/url.ts";

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
  return new Failure(
    "refused",
    isRedirect(status) ? `${message}, a redirect that is not followed` : message,
    {
      kind,
      hint:
        hints[status] ?? (isRedirect(status) ? "name the final URL, or leave no-redirects out" : undefined),
    },
  );
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400;
