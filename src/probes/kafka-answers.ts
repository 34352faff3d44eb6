import type { Api, Reader } from "./kafka-wire.ts";

/** Codes of errors that mean something to a probe. */
export const errors = {
  unsupportedMechanism: 33,
  illegalSaslState: 34,
  authenticationFailed: 58,
} as const;

const names: Readonly<Record<number, string>> = {
  [-1]: "UNKNOWN_SERVER_ERROR",
  [errors.unsupportedMechanism]: "UNSUPPORTED_SASL_MECHANISM",
  [errors.illegalSaslState]: "ILLEGAL_SASL_STATE",
  35: "UNSUPPORTED_VERSION",
  [errors.authenticationFailed]: "SASL_AUTHENTICATION_FAILED",
};

/** `SASL_AUTHENTICATION_FAILED`, or the number of an error that has no business here. */
export const errorName = (code: number): string => names[code] ?? `error-${code}`;

interface Answer {
  /** 0 is success. */
  readonly error: number;
}

export interface Offer extends Answer {
  readonly offers: (api: Api) => boolean;
}

/** ApiVersions, version 0. */
export function readOffer(body: Reader): Offer {
  const error = body.int16();
  const ranges = body.array(() => ({ key: body.int16(), lowest: body.int16(), highest: body.int16() }));
  const offers = ({ key, version }: Api) =>
    ranges.some((range) => range.key === key && range.lowest <= version && version <= range.highest);
  return { error, offers };
}

export interface Handshake extends Answer {
  readonly mechanisms: readonly string[];
}

/** SaslHandshake, versions 0 and 1. */
export const readHandshake = (body: Reader): Handshake => ({
  error: body.int16(),
  mechanisms: body.array(() => body.string()),
});

export interface Authentication extends Answer {
  readonly message: string;
}

/** SaslAuthenticate, version 0; what comes after the message means nothing with PLAIN. */
export const readAuthentication = (body: Reader): Authentication => ({
  error: body.int16(),
  message: body.string(),
});

/** Metadata, version 1: how many brokers there are. What it says about each of them is left alone. */
export const readBrokerCount = (body: Reader): number => body.int32();
