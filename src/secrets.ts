type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a variable of that name holds a secret. */
export const isSecretName = (name: string): boolean =>
  /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|_KEY/i.test(name);

/** ALLOW_EMPTY_PASSWORD=true is no secret, and to hide that word would hide too much. */
const isSwitch = (value: string): boolean => /^(?:true|false)$/i.test(value.trim());

const urlPattern = /[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;
/** What stands behind a URL in a sentence, and is no part of it. */
const endOfClause = /[),.;:]+(?=\s|$)/g;
const userinfo = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)@/i;
const secretParameter = /^(password|passwd|sslpassword|.*token|.*signature|sig|.*credential|.*secret)$/i;
const signature = /(^|&)(x-amz-signature|x-goog-signature|signature|sig)=/i;
const mask = "***";

/**
 * What must never leave: values of secret variables, files and options, and passwords in URLs, in every
 * form that a message could hold them in.
 */
export class Secrets {
  readonly #hidden = new Map<string, RegExp | string>();
  #ordered: readonly (readonly [secret: string, pattern: RegExp | string])[] | undefined;

  constructor(env: Environment) {
    for (const [name, value = ""] of Object.entries(env)) {
      if (isSecretName(name) && !name.startsWith("INITKIT_STEP") && !isSwitch(value)) this.add(value);
      this.noteValue(value);
    }
  }

  /** Remembers a secret: raw, percent-encoded, percent-decoded, base64, and as it stands within JSON and SQL. */
  add(secret: string): void {
    const trimmed = secret.trim();
    for (const form of new Set([secret, trimmed, decoded(trimmed)].flatMap(formsOf))) {
      if (form.trim() === "" || this.#hidden.has(form)) continue;
      this.#hidden.set(form, patternOf(form));
      this.#ordered = undefined;
    }
  }

  /** Remembers the passwords in a value that may be a URL, a broken one too, or may hold some. */
  noteValue(value: string): void {
    if (!value.includes("://")) return;
    const [, scheme = "", credentials] = /^\s*([a-z][a-z0-9+.-]*):\/\/(.*)@/is.exec(value) ?? [];
    // In a reference to an image what stands before the @ is its name, and behind it its digest.
    if (scheme.toLowerCase() !== "oci")
      for (const secret of secretsOfUserinfo(scheme, credentials)) this.add(secret);
    this.#noteUrls(value);
  }

  #noteUrls(text: string): void {
    if (!text.includes("://")) return;
    for (const [url] of text.matchAll(urlPattern)) for (const secret of secretsOfUrl(url)) this.add(secret);
  }

  /** Whether a text holds a secret that is long enough to be one. */
  isIn(text: string): boolean {
    this.#noteUrls(text);
    return this.#longestFirst().some(
      ([secret, pattern]) => secret.length >= shortest && text.search(pattern) >= 0,
    );
  }

  /** The text with every secret masked, those of URLs that only this text holds included. */
  redact(text: string): string {
    this.#noteUrls(text.replaceAll(endOfClause, " "));
    return this.#longestFirst().reduce((rest, [, pattern]) => rest.replaceAll(pattern, mask), text);
  }

  #longestFirst(): readonly (readonly [secret: string, pattern: RegExp | string])[] {
    return (this.#ordered ??= [...this.#hidden].sort(([a], [b]) => b.length - a.length));
  }

  /** A copy of a value of JSON in which every text is redacted, but for initkit's own words. */
  redactAll<T>(value: T): T {
    if (typeof value === "string") return this.redact(value) as T;
    if (Array.isArray(value)) return value.map((each) => this.redactAll(each)) as T;
    if (typeof value !== "object" || value === null) return value;
    const redacted = Object.entries(value).map(([key, each]) => [
      key,
      ownWords.has(key) ? each : this.redactAll(each),
    ]);
    return Object.fromEntries(redacted) as T;
  }
}

/** Fields that hold words of initkit's own vocabulary, which a password such as "info" must not garble. */
const ownWords = new Set(["level", "event", "task", "status", "code", "version", "startedAt"]);

function secretsOfUrl(url: string): string[] {
  const [, scheme = "", credentials] = userinfo.exec(url) ?? [];
  const query = /\?([^#]*)/.exec(url)?.[1] ?? "";
  const parameters = query.split("&").flatMap((parameter) => {
    const [name = "", value = ""] = parameter.split(/=(.*)/s);
    return secretParameter.test(name) ? [value] : [];
  });
  const signed = signature.test(query) ? [query] : [];
  return [...secretsOfUserinfo(scheme, credentials), ...parameters, ...signed];
}

/** In `https://TOKEN@host` and `nats://TOKEN@host` the user name is the secret, in `postgres://app@host` it is none. */
function secretsOfUserinfo(scheme: string, credentials: string | undefined): string[] {
  if (credentials === undefined) return [];
  const colon = credentials.indexOf(":");
  if (colon < 0) return /^(?:https?|nats|tls)$/i.test(scheme) ? [credentials] : [];
  const basic = `${decoded(credentials.slice(0, colon))}:${decoded(credentials.slice(colon + 1))}`;
  return credentials.length === colon + 1 ? [] : [credentials.slice(colon + 1), base64(basic)];
}

function formsOf(secret: string): string[] {
  const encoded = base64(secret);
  const base64Forms = [encoded, encoded.replace(/=+$/, ""), Buffer.from(secret).toString("base64url")];
  const inSql = secret.replaceAll("'", "''");
  const escapedForms = [inSql, inSql.replaceAll("\\", "\\\\"), JSON.stringify(secret).slice(1, -1)];
  return [secret, ...escapedForms, ...(secret.length < shortest ? [] : base64Forms)];
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A shorter secret is hidden only where it is a word of its own. */
const shortest = 4;
/** Nobody percent-encodes more than this, and a pattern of a whole key file would take long to match. */
const longestPattern = 500;

/** What finds a secret in a text: each character that URLs encode also in that form (RFC 3986, section 2.1). */
function patternOf(secret: string): RegExp | string {
  const isPlain = /^[\w.~-]*$/.test(secret) || secret.length > longestPattern;
  if (isPlain && secret.length >= shortest) return secret;
  const anyForm = isPlain ? RegExp.escape(secret) : Array.from(secret.toWellFormed(), eitherForm).join("");
  return new RegExp(
    secret.length < shortest ? `(?<![\\p{L}\\p{N}_])${anyForm}(?![\\p{L}\\p{N}_])` : anyForm,
    "gu",
  );
}

function eitherForm(character: string): string {
  if (/^[A-Za-z0-9]$/.test(character)) return character;
  const bytes = Array.from(Buffer.from(character), (byte) => byte.toString(16).padStart(2, "0"));
  const hexadecimal = bytes.map(
    (byte) => `%${byte.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`,
  );
  return `(?:${RegExp.escape(character)}|${hexadecimal.join("")}${character === " " ? "|\\+" : ""})`;
}
