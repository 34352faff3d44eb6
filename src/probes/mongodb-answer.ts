import { quote } from "../format.ts";
import type { BsonDocument } from "./bson.ts";

/** What the server says is wrong. */
export interface ServerError {
  /** See "Error Codes" in the MongoDB manual; 0 where there is none. */
  readonly code: number;
  /** `"not primary" (code 10107)` */
  readonly text: string;
}

/** The error that an answer is, if it is one. */
export function errorIn(answer: BsonDocument): ServerError | undefined {
  if (Number(answer.get("ok")) === 1) return undefined;
  const code = Number(answer.get("code")) || 0;
  const says = answer.get("errmsg");
  return { code, text: `${quote(typeof says === "string" ? says : "an error")} (code ${code})` };
}

/** A field that is a text which is not empty. */
export function textIn(answer: BsonDocument, name: string): string | undefined {
  const value = answer.get(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}
