import { readTlsSettings } from "../net/tls.ts";
import type { Context, Result } from "../task.ts";
import { downloadArchive } from "./download-archive.ts";
import { downloadFile } from "./download-file.ts";
import type { Access } from "./http-source.ts";
import type { DownloadArguments } from "./options.ts";

/** The task `download`: one attempt. */
export async function download(args: DownloadArguments, context: Context): Promise<Result> {
  const access: Access = {
    args,
    tls: await readTlsSettings(args),
    env: context.env,
    origin: args.urls[0]!.origin,
    signal: context.signal,
  };
  return args.extract === undefined
    ? await downloadFile(args, access, context)
    : await downloadArchive(args, args.extract, access, context);
}
