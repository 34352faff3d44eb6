import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

export interface Certificate {
  /** PEM */
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  readonly name?: string;
  /** DNS names and IPv4 addresses. */
  readonly names?: readonly string[];
  readonly issuer?: Authority;
  readonly from?: Date;
  readonly to?: Date;
}

export interface Authority extends Certificate {
  readonly privateKey: KeyObject;
  readonly name: string;
}

const day = 24 * 3600 * 1000;

/** A certificate authority that no one trusts yet. */
export const makeAuthority = (name = "test CA"): Authority => makeCertificate({ name, authority: true });

/** A server's or a client's certificate; self-signed without an issuer. */
export const issue = (options: CertificateOptions = {}): Certificate => makeCertificate(options);

/** X.509 v3 with an EC key (RFC 5280), for Node can read certificates but not make them. */
function makeCertificate(options: CertificateOptions & { readonly authority?: boolean }): Authority {
  const {
    name = "test",
    issuer,
    from = new Date(Date.now() - day),
    to = new Date(Date.now() + day),
  } = options;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    commonName(issuer?.name ?? name),
    sequence(time(from), time(to)),
    commonName(name),
    spki,
    tagged(3, sequence(...extensions(options, spki))),
  );
  const signature = sign("sha256", body, issuer?.privateKey ?? privateKey);
  const der = sequence(body, ecdsaWithSha256, element(0x03, Buffer.from([0]), signature));
  const cert = pem(der);
  return { name, cert, privateKey, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

const pem = (der: Buffer): string =>
  [
    "-----BEGIN CERTIFICATE-----",
    ...der.toString("base64").match(/.{1,64}/g)!,
    "-----END CERTIFICATE-----",
    "",
  ].join("\n");

function extensions(
  { names = [], authority }: CertificateOptions & { authority?: boolean },
  spki: Buffer,
): Buffer[] {
  const keyId = createHash("sha1").update(spki).digest();
  return [
    extension("2.5.29.14", element(0x04, keyId)),
    ...(authority ? [extension("2.5.29.19", sequence(element(0x01, Buffer.from([0xff]))), true)] : []),
    ...(names.length > 0 ? [extension("2.5.29.17", sequence(...names.map(generalName)))] : []),
  ];
}

const extension = (oid: string, value: Buffer, critical = false): Buffer =>
  sequence(objectId(oid), ...(critical ? [element(0x01, Buffer.from([0xff]))] : []), element(0x04, value));

function generalName(name: string): Buffer {
  const isAddress = /^[0-9.]+$/.test(name);
  return isAddress
    ? element(0x87, Buffer.from(name.split(".").map(Number)))
    : element(0x82, Buffer.from(name));
}

const commonName = (name: string): Buffer =>
  sequence(element(0x31, sequence(objectId("2.5.4.3"), element(0x0c, Buffer.from(name)))));

const time = (date: Date): Buffer =>
  element(
    0x17,
    Buffer.from(
      date
        .toISOString()
        .slice(2)
        .replace(/[-:T]|\.[0-9]+/g, ""),
    ),
  );

/** DER (X.690). */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const sequence = (...parts: readonly Buffer[]): Buffer => element(0x30, ...parts);
const tagged = (number: number, ...parts: readonly Buffer[]): Buffer => element(0xa0 + number, ...parts);
const integer = (value: Buffer): Buffer => element(0x02, value);

function objectId(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split(".").map(Number) as [number, number, ...number[]];
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  return value < 0x80 ? [value] : [...base128(value >> 7).map((byte) => byte | 0x80), value & 0x7f];
}

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));
