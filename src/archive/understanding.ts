/** How the bytes of an archive were understood, as far as they do not say that themselves. */
export interface Understood {
  /** The name that its source gave to the only file in it; null where it has names of its own. */
  readonly name: string | null;
  /** As a layer of an image, with whiteouts. */
  readonly isLayer: boolean;
}

/** How bytes would be understood now. */
export type Understanding = Understood & { readonly name: string };

/** Whether the same bytes would become the same tree again. */
export const isUnderstoodSo = (
  was: readonly Understood[] | undefined,
  now: readonly Understanding[],
): boolean =>
  was?.length === now.length &&
  was.every(
    ({ name, isLayer }, index) =>
      isLayer === now[index]!.isLayer && (name === null || name === now[index]!.name),
  );
