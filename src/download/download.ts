import { readTlsSettings, type TlsSettings } from "../net/tls.ts";
import type { Context, Result } from "../task.ts";
import { downloadArchive } from "./download-archive.ts";
import { downloadFile } from "./download-file.ts";
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
    origin: originAsked(args.urls[0]!, tls),
    signal: context.signal,
  };
  return args.extract === undefined
    ? await downloadFile(args, access, context)
    : await downloadArchive(args, args.extract, access, context);
}

/** Where the credentials of the options belong. */
const originAsked = (url: URL, tls: TlsSettings): string =>
  url.protocol === "oci:" ? originOf(parseOci(url.href), tls) : url.origin;
