import type { Failure } from "../failure.ts";
import type { Pair } from "../kinds.ts";
import type { HttpResponse } from "../net/http.ts";
import type { Digest } from "./checksum.ts";

/** Where the bytes of a source are to be had, for one attempt: signatures and tokens do not last. */
export interface Location {
  /** Of scheme http, https or file. */
  readonly url: URL;
  /** For the origin of that URL only: a signature or a token, instead of what the options say. */
  readonly headers?: readonly Pair[];
  /** What the source itself says that the bytes are. */
  readonly digest?: Digest;
  readonly length?: number;
  /** The name that the file had, where the source says one. Not to be trusted. */
  readonly title?: string | undefined;
  /** It is a layer of an image, to be laid over the locations before it. */
  readonly isLayer?: boolean;
  /** Whether a redirect is to be followed as any other; it is by default. */
  readonly follows?: (response: Pick<HttpResponse, "status" | "headers">) => boolean;
  /**
   * What an answer means that does not carry the bytes, where the source can say more than its status does: why it
   * does not, or where they are.
   */
  explain?(response: HttpResponse): Promise<Failure | Location>;
}
