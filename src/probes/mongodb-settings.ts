import type { ServerTarget } from "./server-target.ts";

/** Who logs in, and how. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** The database that knows the user. */
  readonly source: string;
  /** None where it is agreed on with the server. */
  readonly mechanism: string | undefined;
}

/** What the URL says, as drivers read it (MongoDB manual, "Connection Strings"). */
export interface MongoSettings {
  readonly credentials: Credentials | undefined;
  readonly replicaSet: string | undefined;
  /** Any certificate will do. */
  readonly isInsecure: boolean;
}

/** @param defaults parameters from elsewhere, which count less than those of the URL */
export function settingsOf(
  { user = "", password, path, parameters }: ServerTarget,
  defaults: ReadonlyMap<string, string>,
): MongoSettings {
  const options = new Map([...withSmallNames(defaults), ...withSmallNames(parameters)]);
  const source = options.get("authsource") || path || "admin";
  const mechanism = options.get("authmechanism")?.replace(/^DEFAULT$/, "") || undefined;
  return {
    // A user without a password has a certificate, or a token of the cloud.
    credentials: password === undefined ? undefined : { user, password, source, mechanism },
    replicaSet: options.get("replicaset") || undefined,
    isInsecure: ["tlsinsecure", "tlsallowinvalidcertificates"].some((name) => options.get(name) === "true"),
  };
}

/** The names of options have no case. */
const withSmallNames = (parameters: ReadonlyMap<string, string>) =>
  [...parameters].map(([name, value]) => [name.toLowerCase(), value] as const);
