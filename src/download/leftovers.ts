import { withStaging } from "../files/staging.ts";
import { idleParts, takePart } from "../files/parts.ts";

/**
 * Removes the parts in a folder that no run will come back for. Each is taken over first, as a run would that works
 * on it, so that none is removed from under another run.
 * @param fulfilled what there is nothing left to fetch for
 */
export async function discardParts(folder: string, fulfilled: readonly string[]): Promise<void> {
  const names = idleParts(folder, fulfilled);
  if (names.length === 0) return;
  await withStaging(folder, async (staging) => {
    for (const name of names) takePart(staging, name);
  });
}
