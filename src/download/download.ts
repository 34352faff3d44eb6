import { readTlsSettings, type TlsSettings } from "../net/tls.ts";
import type { Context, Result } from "../task.ts";
import { originOf, parseOci } from "./oci/reference.ts";
import type { Access } from "./http-source.ts";
import type { DownloadArguments } from "./options.ts";

/** The task `download`: one attempt. */
export async function download(args: DownloadArguments, context: Context): Promise<Result> {
  const tls = await readTlsSettings(args);
  const access: Access = {
    args,
    tls,
    env: context.env,
    origin: await originAsked(args.urls[0]!, tls, context.env),
    signal: context.signal,
  };
  if (args.extract === undefined) {
    const { downloadFile } = await import("./download-file.ts");
    return await downloadFile(args, access, context);
  }
  const { downloadArchive } = await import("./download-archive.ts");
  return await downloadArchive(args, args.extract, access, context);
}

/** Where the credentials of the options belong. */
async function originAsked(url: URL, tls: TlsSettings, env: Access["env"]): Promise<string> {
  if (url.protocol === "oci:") return originOf(parseOci(url.href), tls);
  if (url.protocol === "s3:") return (await import("./s3/origin.ts")).originOfS3(url, env);
  return url.origin;
}
