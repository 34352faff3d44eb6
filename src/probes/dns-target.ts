import { quote } from "../format.ts";
import { didYouMean } from "../suggest.ts";

/** Types of records that the name servers can be asked for by name. */
const recordTypes = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] as const;

type RecordType = (typeof recordTypes)[number];

export interface DnsTarget {
  readonly scheme: "dns";
  /** For messages and the report. */
  readonly name: string;
  readonly host: string;
  /** Any address, also out of /etc/hosts, where it is undefined. */
  readonly type: RecordType | undefined;
}

/**
 * Reads `dns:name` or `dns:name?type=SRV`.
 * @throws Error that completes the sentence "target ..."
 */
export function parseDns(text: string): DnsTarget {
  const form = /^dns:(?:\/\/)?([a-z0-9_*][a-z0-9._*-]*)\/?(?:\?(.*))?$/i;
  const [, host, query = ""] = form.exec(text) ?? [];
  if (host === undefined || host.length > 254)
    throw new Error("names no host; write dns:name or dns:name?type=A");
  const type = typeIn(query);
  return { scheme: "dns", name: `dns:${host}${type ? `?type=${type}` : ""}`, host, type };
}

function typeIn(query: string): RecordType | undefined {
  if (query === "") return undefined;
  const [, value] = /^type=([^&]*)$/i.exec(query) ?? [];
  if (value === undefined) throw new Error("has a parameter that is not type; write dns:name?type=A");
  const type = recordTypes.find((each) => each === value.toUpperCase());
  if (type) return type;
  throw new Error(
    `asks for records of type ${quote(value)}; there are ${recordTypes.join(", ")}${didYouMean(value, recordTypes)}`,
  );
}
