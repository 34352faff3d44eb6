import type { Access } from "./http-source.ts";
import type { Location } from "./location.ts";

/**
 * Where the bytes of a source are to be had: most often in one place, which is the URL itself.
 * @throws Failure `configuration`, `refused`, `integrity` or `source-unavailable` where that has to be asked for
 */
export async function locate(url: URL, access: Access): Promise<readonly Location[]> {
  if (url.protocol === "s3:") return await (await import("./s3/locate.ts")).locateS3(url, access);
  if (url.protocol === "oci:") return await (await import("./oci/locate.ts")).locateOci(url, access);
  return [{ url }];
}
