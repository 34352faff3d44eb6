import { type Asking, converse } from "./server.ts";

export async function probe(asking: Asking): Promise<void> {
  await converse(asking, async () => {});
}
