import { wrong } from "./environment.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Where they come from, for hints. */
  readonly origin: string;
}

/** @throws Failure `configuration` where a header could not carry them */
export function checked(credentials: Credentials): Credentials {
  const { accessKeyId, sessionToken = "", origin } = credentials;
  if (/^[\x21-\x7e]+$/.test(`${accessKeyId}${sessionToken}`)) return credentials;
  throw wrong(
    `the credentials of ${origin} hold a character that no credentials have`,
    "check the Secret that they come from: it may have been encoded twice or cut off",
  );
}
