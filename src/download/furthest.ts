/** How many bytes the attempts of a step have had of each file, by the options of the step: those are the same for all. */
const steps = new WeakMap<object, Map<string, number>>();

/** Whether an attempt has come further with a file than any of the same step before. */
export function isFurthest(step: object, file: string, bytes: number): boolean {
  const files = steps.get(step) ?? new Map<string, number>();
  const isFurther = bytes > (files.get(file) ?? 0);
  if (isFurther) steps.set(step, files.set(file, bytes));
  return isFurther;
}
