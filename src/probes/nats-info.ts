/** What matters here of how a NATS server introduces itself. */
export interface NatsInfo {
  readonly authRequired: boolean;
  readonly tlsRequired: boolean;
  /** It speaks TLS, be it with those only who want it. */
  readonly hasTls: boolean;
  /** In lame duck mode: it is about to stop. */
  readonly isLeaving: boolean;
}

/** Reads the line `INFO {…}` (NATS client protocol, INFO); undefined where it is something else. */
export function infoIn(line: string): NatsInfo | undefined {
  const fields = objectIn(line.replace(/^INFO /, ""));
  if (typeof fields?.["server_id"] !== "string") return undefined;
  const has = (name: string): boolean => fields[name] === true;
  return {
    authRequired: has("auth_required"),
    tlsRequired: has("tls_required"),
    hasTls: has("tls_required") || has("tls_available"),
    isLeaving: has("ldm"),
  };
}

function objectIn(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
