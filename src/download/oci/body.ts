import { Failure } from "../../failure.ts";
import { formatBytes } from "../../format.ts";
import type { HttpResponse } from "../../net/http.ts";
import { shown } from "../../net/url.ts";

/** No registry need take a longer manifest (OCI distribution-spec 1.1, "Pushing Manifests"). */
export const longest = 4 * 1024 * 1024;

/**
 * All of an answer.
 * @throws Failure `integrity` for one that is longer than 4 MiB; what the connection fails with
 */
export async function readBody({ body, url }: HttpResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longest) throw tooLong(url);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLong = (url: URL): Failure =>
  new Failure("integrity", `${shown(url)}: the answer is longer than ${formatBytes(longest)}`, {
    kind: "too-long",
    hint: "no manifest is that long: check the host and the port, and that the name is that of an artifact",
  });

/** The JSON of an answer; undefined where it is none. */
export async function readJson(response: HttpResponse): Promise<unknown> {
  const body = await readBody(response);
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
