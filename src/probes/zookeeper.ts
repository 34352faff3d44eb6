import type { Conversation } from "./conversation.ts";
import { readOneOf } from "./expected.ts";
import { type Asking, converse } from "./server.ts";

/**
 * Ready when the server tells the part that it plays in its ensemble: the answer to the four-letter word `srvr`, the
 * only one that is allowed by default since ZooKeeper 3.5.3 (ZooKeeper Administrator's Guide). No word needs a login,
 * so credentials in the URL have no meaning here.
 */
export async function probe(asking: Asking): Promise<void> {
  await converse(asking, async (conversation) => {
    conversation.write("srvr");
    const answer = await readOneOf(conversation, [...statistics, ...notServing, notAllowed]);
    if (notServing.includes(answer)) throw withoutQuorum(conversation, answer);
    // The server is up and has read what we said. Whether it has a quorum cannot be asked then, and waiting for ever
    // would not change its settings.
    if (answer === notAllowed) return;
    const mode = await readMode(conversation);
    if (!serving.has(mode)) throw withoutQuorum(conversation, `its mode is ${mode}`);
  });
}

/** How the answer begins: ZooKeeper's, and that of ClickHouse Keeper, which speaks the same protocol. */
const statistics = ["Zookeeper version: ", "ClickHouse Keeper version: "];

const notServing = [
  "This ZooKeeper instance is not currently serving requests",
  "This instance is not currently serving requests",
];

const notAllowed = "srvr is not executed because it is not in the white";

/** A server that is cut off from the others may be `read-only`. */
const serving: ReadonlySet<string> = new Set(["leader", "follower", "standalone", "observer"]);

/** The statistics are about ten lines, in an order that no one promises. */
async function readMode(conversation: Conversation): Promise<string> {
  for (let lines = 0; lines < 100; lines++) {
    const line = await conversation.readLine(/^/);
    if (line.startsWith("Mode: ")) return line.slice("Mode: ".length);
  }
  throw conversation.foreign();
}

const withoutQuorum = (conversation: Conversation, says: string) =>
  conversation.notReady(says, {
    kind: "zookeeper:no-quorum",
    hint: "it has not found enough servers of its ensemble yet: check that most of them run and reach each other on their quorum and election ports",
  });
