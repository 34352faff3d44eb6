import { archiveFormat } from "../archive/format.ts";
import { deliveryFields, selectionFields } from "../archive/options.ts";
import { header, kind, type Kind, path, secret, size, timeLimit } from "../kinds.ts";
import { tlsFields } from "../net/tls.ts";
import { flag, operand, operands, option, repeated, type Values } from "../task.ts";
import { checksum, sha256 } from "./checksum.ts";
import { sourceUrl } from "./source.ts";

/** `NAME:PASSWORD` of Basic authorization (RFC 7617). */
const user: Kind<string> = kind(
  "NAME:PASSWORD",
  (value) => {
    if (!value.includes(":")) throw new Error("is not of the form NAME:PASSWORD");
    return value;
  },
  { secretIn: (value) => [value, value.slice(value.indexOf(":") + 1)] },
);

export const operandFields = {
  urls: operands(
    sourceUrl,
    "http, https, file, s3 or oci URL; more of them are mirrors of the same bytes, tried in order",
  ),
  to: operand(path, "file to write, or folder: one that is there, ends in / or is extracted to", {
    named: true,
  }),
};

export const optionFields = {
  sha256: option(sha256, "digest that the bytes must have"),
  checksum: option(
    checksum,
    "digest as sha256:HEX or sha512:HEX, or URL of a SHA256SUMS file that names the file; sha256 may be given besides",
  ),
  extract: option(
    archiveFormat,
    "extract the archive into the folder; its format is told by its content unless given",
  ),
  ...selectionFields,
  header: repeated(header, "header to send to the host of the first URL"),
  user: option(user, "Basic authorization for the host of the first URL"),
  bearer: option(secret, "bearer token for the host of the first URL"),
  ...tlsFields,
  "no-redirects": flag("refuse a redirect"),
  "max-size": option(size, "most bytes to download"),
  stall: option(timeLimit, "longest silence of the server before the attempt ends; 0 for no limit", "30s"),
  ...deliveryFields,
};

export type DownloadArguments = Values<typeof operandFields & typeof optionFields>;
