/** StartupMessage of protocol 3.0 (PostgreSQL manual, 54.7). */
export function startupMessage(user: string, database: string | undefined): Buffer {
  const parameters = ["user", user, ...(database === undefined ? [] : ["database", database])];
  const body = Buffer.from(parameters.map((text) => `${text}\0`).join("") + "\0");
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, body]);
}

/** What a server says to a StartupMessage: an error, or (with none) a request to authenticate. */
export interface Answer {
  readonly error?: {
    /** Appendix A of the manual; undefined where the server was in no state to say. */
    readonly sqlState: string | undefined;
    readonly message: string;
  };
}

const maxLength = 30_000;

/**
 * The first message in the bytes so far (PostgreSQL manual, 54.7: AuthenticationXXX, ErrorResponse,
 * NegotiateProtocolVersion), undefined while it is incomplete, or `foreign` where this is another protocol.
 */
export function answerIn(bytes: Buffer): Answer | "foreign" | undefined {
  const type = String.fromCharCode(bytes[0] ?? 0);
  if (bytes.length > 0 && !"REv".includes(type)) return "foreign";
  if (bytes.length < 5) return undefined;
  const length = bytes.readInt32BE(1);
  // An error from before the protocol is known (out of processes or memory) is plain text up to a NUL.
  if (type === "E" && (length < 8 || length > maxLength)) return bareError(bytes);
  if (length < 8 || length > maxLength) return "foreign";
  if (bytes.length < length + 1) return undefined;
  return type === "E" ? errorFields(bytes.subarray(5, length + 1)) : {};
}

function bareError(bytes: Buffer): Answer | "foreign" | undefined {
  const end = bytes.indexOf(0);
  if (end < 0) return bytes.length > maxLength ? "foreign" : undefined;
  return { error: { sqlState: undefined, message: bytes.toString("utf8", 1, end) } };
}

/** Fields of an ErrorResponse (PostgreSQL manual, 54.8). */
function errorFields(body: Buffer): Answer {
  const fields = new Map(
    body
      .toString("utf8")
      .split("\0")
      .map((field) => [field.slice(0, 1), field.slice(1)]),
  );
  return { error: { sqlState: fields.get("C"), message: fields.get("M") ?? "" } };
}
