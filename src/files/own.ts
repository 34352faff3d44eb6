/** Stands for an id that is to stay as it is, with chown(2). */
export const unchanged = -1;
