import type { RequestOptions } from "../../net/http.ts";
import type { Access } from "../http-source.ts";

/** How to ask a registry or its token server; the client certificate is for the origin that the options speak of. */
export function settingsFor({ origin }: URL, access: Access): RequestOptions {
  const { args, tls, signal, env } = access;
  const silence = args.stall === Infinity ? undefined : args.stall;
  const { ca, insecure } = tls;
  return {
    tls: origin === access.origin ? tls : { ca, insecure },
    signal,
    connectTimeout: args.stall,
    headersTimeout: silence,
    bodyTimeout: silence,
    code: "source-unavailable",
    certificateCode: "refused",
    proxyEnv: env,
  };
}
