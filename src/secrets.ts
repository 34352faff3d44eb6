type Environment = Readonly<Record<string, string | undefined>>;

const secretName = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|_KEY/i;
const urlPattern = /[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi;
const userinfo = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)@/i;
const secretParameter = /^(password|passwd|sslpassword|.*token|.*signature|sig|.*credential|.*secret)$/i;
const signature = /(^|&)(x-amz-signature|x-goog-signature|signature|sig)=/i;
const mask = "***";

/**
 * What must never leave: values of secret variables, files and options, and passwords in URLs, in every
 * form that a message could hold them in.
 */
export class Secrets {
  readonly #hidden = new Set<string>();
  #pattern: RegExp | undefined;

  constructor(env: Environment) {
    for (const [name, value = ""] of Object.entries(env)) {
      if (secretName.test(name)) this.add(value);
      this.noteUrls(value);
    }
  }

  /** Remembers a secret: raw, percent-encoded, percent-decoded, base64, and as it stands within JSON. */
  add(secret: string): void {
    const trimmed = secret.trim();
    if (trimmed === "") return;
    const raw = [...new Set([secret, trimmed, decoded(trimmed)])];
    for (const form of raw.flatMap(formsOf)) this.#hidden.add(form);
    this.#pattern = undefined;
  }

  /** Remembers the passwords of all URLs in a text, and the query strings that sign one. */
  noteUrls(text: string): void {
    if (!text.includes("://")) return;
    for (const [url] of text.matchAll(urlPattern)) for (const secret of secretsOfUrl(url)) this.add(secret);
  }

  /** Whether a text holds a secret. */
  isIn(text: string): boolean {
    return this.redact(text) !== text;
  }

  /** The text with every secret masked. */
  redact(text: string): string {
    this.noteUrls(text);
    if (this.#hidden.size === 0) return text;
    this.#pattern ??= patternOf(this.#hidden);
    return text.replace(this.#pattern, mask);
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

/** In `https://TOKEN@host` the user name is the secret, in `postgres://app@host` it is none. */
function secretsOfUserinfo(scheme: string, credentials: string | undefined): string[] {
  if (credentials === undefined) return [];
  const colon = credentials.indexOf(":");
  if (colon < 0) return /^https?$/i.test(scheme) ? [credentials] : [];
  const basic = `${decoded(credentials.slice(0, colon))}:${decoded(credentials.slice(colon + 1))}`;
  return credentials.length === colon + 1 ? [] : [credentials.slice(colon + 1), base64(basic)];
}

function formsOf(secret: string): string[] {
  const encoded = base64(secret);
  const forms = [secret, encodeURIComponent(secret.toWellFormed()), encodeURI(secret.toWellFormed())];
  const base64Forms = [encoded, encoded.replace(/=+$/, ""), Buffer.from(secret).toString("base64url")];
  return [...forms, JSON.stringify(secret).slice(1, -1), ...(secret.length < shortest ? [] : base64Forms)];
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

function patternOf(hidden: ReadonlySet<string>): RegExp {
  const longestFirst = [...hidden].sort((a, b) => b.length - a.length);
  const alternatives = longestFirst.map((secret) => {
    const literal = RegExp.escape(secret);
    return secret.length < shortest ? `(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])` : literal;
  });
  return new RegExp(alternatives.join("|"), "gu");
}
