import type { Conversation } from "./conversation.ts";

/**
 * The next bytes, which must be one of these texts of ASCII.
 * @throws Failure `not-ready`: `protocol` at the first byte that is in none of them, and as the conversation does
 */
export async function readOneOf(conversation: Conversation, texts: readonly string[]): Promise<string> {
  const bytes = await conversation.readWhen((received) => {
    const start = received.toString("latin1", 0, longest);
    const found = texts.find((text) => start.startsWith(text));
    if (found === undefined && !texts.some((text) => text.startsWith(start))) throw conversation.foreign();
    return found?.length;
  });
  return bytes.toString("latin1");
}

/** No such text is longer. */
const longest = 100;

/**
 * The next line, without the white space at its end, which must begin with one of these texts of ASCII.
 * @throws Failure as readOneOf
 */
export async function readLineOf(conversation: Conversation, beginnings: readonly string[]): Promise<string> {
  const beginning = await readOneOf(conversation, beginnings);
  const rest = await conversation.readLine(/^/);
  return `${beginning}${rest}`.trimEnd();
}
