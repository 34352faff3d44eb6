import type { Failure } from "../../failure.ts";
import type { Pair } from "../../kinds.ts";
import { type HttpResponse, request } from "../../net/http.ts";
import { type Hop, nextHop } from "../../net/redirect.ts";
import type { Access } from "../http-source.ts";
import { answerTo } from "./authenticate.ts";
import { findLogin, type Login, ofOption } from "./credentials.ts";
import { type OciReference, originOf } from "./reference.ts";
import { type Refusal, refusalFailure } from "./refusal.ts";
import { settingsFor } from "./settings.ts";
import { authorization } from "./token.ts";

export interface Question {
  /** Below `/v2/NAME/`: `manifests/latest`. */
  readonly path: string;
  readonly method?: "HEAD";
  readonly accept: readonly string[];
}

const mostRedirects = 5;

/** A registry (OCI distribution-spec 1.1) during one attempt. */
export class Registry {
  readonly reference: OciReference;
  readonly #access: Access;
  readonly #origin: string;
  readonly #others: readonly Pair[];
  #authorization: Pair | undefined;
  #login: Login | undefined;

  constructor(reference: OciReference, access: Access) {
    this.reference = reference;
    this.#access = access;
    this.#origin = originOf(reference, access.tls);
    const isOfOptions = this.#origin === access.origin;
    const given = isOfOptions ? givenAuthorization(access.args) : undefined;
    this.#others = isOfOptions ? access.args.header.filter(isOther) : [];
    this.#authorization = given?.header;
    this.#login = given && { credentials: undefined, advice: ofOption(given.option) };
  }

  urlOf(path: string): URL {
    return new URL(`/v2/${this.reference.repository}/${path}`, this.#origin);
  }

  /** What to say to the registry, and to nobody else. */
  get headers(): readonly Pair[] {
    return [...this.#others, ...(this.#authorization ? [this.#authorization] : [])];
  }

  /**
   * Asks, and logs in where the registry wants that.
   * @returns the answer, whatever its status
   * @throws Failure of the connection or of the login
   */
  async ask(question: Question): Promise<HttpResponse> {
    const response = await this.#send(question);
    const isChallenge = response.status === 401 && response.url.origin === this.#origin;
    if (!isChallenge || this.#authorization) return response;
    const answer = await this.#answerTo(response);
    if (answer === undefined) return response;
    response.close();
    this.#authorization = authorization(answer);
    return await this.#send(question);
  }

  /** What an answer without the manifest means. */
  failure(refusal: Refusal): Failure {
    return refusalFailure(refusal, this.reference, this.#findLogin().advice);
  }

  async #answerTo(response: HttpResponse): Promise<string | undefined> {
    const login = this.#findLogin();
    const applicant = { reference: this.reference, origin: this.#origin, login, access: this.#access };
    try {
      return await answerTo(response, applicant);
    } catch (error) {
      response.close();
      throw error;
    }
  }

  #findLogin(): Login {
    return (this.#login ??= findLogin(this.reference, this.#origin, this.#access));
  }

  /** Redirects are followed here, for the media types must be said again at another origin, and nothing else there. */
  async #send({ path, method, accept }: Question): Promise<HttpResponse> {
    const media = { name: "accept", value: accept.join(", ") };
    const limit = this.#access.args["no-redirects"] || method === "HEAD" ? 0 : mostRedirects;
    let hop = this.#firstHop(this.urlOf(path), method);
    for (let redirects = 0; ; redirects++) {
      const own = hop.url.origin === this.#origin ? this.headers : [];
      const settings = { ...settingsFor(hop.url, this.#access), maxRedirects: 0 };
      const response = await request(hop.url, { ...settings, method: hop.method, headers: [...own, media] });
      const next = redirects < limit ? nextHop(hop, response, settings) : undefined;
      if (!next) return response;
      response.close();
      hop = next;
    }
  }

  #firstHop(url: URL, method = "GET"): Hop {
    const { tls } = this.#access;
    return { url, method, headers: [], authorization: undefined, body: undefined, tls };
  }
}

const isOther = ({ name }: Pair): boolean => !/^(?:accept|authorization)$/i.test(name);

/** What the options say for themselves, and need not be asked for. */
function givenAuthorization({
  bearer,
  header,
}: Access["args"]): { readonly header: Pair; readonly option: string } | undefined {
  if (bearer !== undefined) return { header: authorization(`Bearer ${bearer}`), option: "bearer" };
  const given = header.find(({ name }) => name.toLowerCase() === "authorization");
  return given && { header: given, option: "header Authorization" };
}
