import { base64, decoded, formsOf, linesOf, patternOf, shortest } from "./secret-forms.ts";
import { cutAt, maskSpans, type Span, spansOf } from "./secret-spans.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a variable of that name holds a secret. */
export const isSecretName = (name: string): boolean =>
  /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|_KEY/i.test(name);

/** ALLOW_EMPTY_PASSWORD=true is no secret, and to hide that word would hide too much. */
const isSwitch = (value: string): boolean => /^(?:true|false)$/i.test(value.trim());

/** What stands behind a URL in a sentence, and is no part of it. */
const endOfClause = /[),.;:]+(?=\s|$)/g;

const userinfo = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)@/i;
const secretParameter = /^(password|passwd|sslpassword|.*token|.*signature|sig|.*credential|.*secret)$/i;
const signature = /(^|&)(x-amz-signature|x-goog-signature|signature|sig)=/i;

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

  /**
   * Remembers a secret: raw, percent-encoded, percent-decoded, base64, as it stands within JSON and SQL, and each of
   * its lines.
   */
  add(secret: string): void {
    const trimmed = secret.trim();
    const whole = [secret, trimmed, decoded(trimmed)].flatMap(formsOf);
    for (const form of new Set([...whole, ...linesOf(trimmed)])) {
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
    for (const url of urlsIn(text)) for (const secret of secretsOfUrl(url)) this.add(secret);
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
    return maskSpans(text, [...this.#spansIn(text)]);
  }

  /** Where secrets stand in a text, and what is left of one that the text was cut in. */
  *#spansIn(text: string): Generator<Span> {
    for (const [, pattern] of this.#longestFirst()) yield* spansOf(text, pattern);
    for (let at = text.indexOf("…"); at >= 0; at = text.indexOf("…", at + 1)) {
      for (const [secret] of this.#longestFirst()) yield* cutAt(text, at, secret);
    }
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

const longestScheme = 40;
const endOfUrl = /[\s"'<>]|$/g;

/** From the mark of each to its ends: a pattern that looks for a scheme first takes quadratic time. */
function* urlsIn(text: string): Generator<string> {
  let from = 0;
  for (let mark = text.indexOf("://"); mark >= 0; mark = text.indexOf("://", Math.max(mark + 1, from))) {
    const [scheme] = /[a-z][a-z0-9+.-]*$/i.exec(text.slice(Math.max(from, mark - longestScheme), mark)) ?? [];
    if (scheme === undefined) continue;
    endOfUrl.lastIndex = mark;
    from = endOfUrl.exec(text)!.index;
    yield text.slice(mark - scheme.length, from);
  }
}

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
