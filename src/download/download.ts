import { readTlsSettings, type TlsSettings } from "../net/tls.ts";
import type { Context, Result } from "../task.ts";
import { downloadArchive } from "./download-archive.ts";
import { downloadFile } from "./download-file.ts";
import { originOf, parseOci } from "./oci/reference.ts";
import type { Access } from "./http-source.ts";
import type { DownloadArguments } from "./options.ts";
import { urlOf } from "./s3/endpoint.ts";
import { parseS3 } from "./s3/object.ts";
import { regionFor } from "./s3/regions.ts";

/** The task `download`: one attempt. */
export async function download(args: DownloadArguments, context: Context): Promise<Result> {
  const tls = await readTlsSettings(args);
  const access: Access = {
    args,
    tls,
    env: context.env,
    origin: originAsked(args.urls[0]!, tls, context.env),
    signal: context.signal,
  };
  return args.extract === undefined
    ? await downloadFile(args, access, context)
    : await downloadArchive(args, args.extract, access, context);
}

/** Where the credentials of the options belong. */
function originAsked(url: URL, tls: TlsSettings, env: Access["env"]): string {
  if (url.protocol === "oci:") return originOf(parseOci(url.href), tls);
  if (url.protocol !== "s3:") return url.origin;
  const object = parseS3(url);
  return urlOf(object, env, regionFor(object.bucket, env)).origin;
}
