import type { Api } from "./api.ts";
import { conditionShortfall, type Shortfall } from "./condition.ts";
import { jobShortfall } from "./job.ts";
import { fullName, type Named, type Resource } from "./kind.ts";
import { podShortfall } from "./pod.ts";
import { rollouts } from "./rollout.ts";
import { serviceShortfall } from "./service.ts";
import type { Condition } from "./target.ts";

/** What an object lacks; to tell it, more may have to be read. */
export type Check = (
  object: unknown,
  api: Api,
  where: Named,
) => Shortfall | undefined | Promise<Shortfall | undefined>;

/** How to tell that an object is ready; undefined where it is enough that it exists. */
export function checkFor(resource: Resource, condition: Condition | undefined): Check | undefined {
  if (condition === "exists") return undefined;
  const name = fullName(resource);
  if (name === "jobs.batch") return (job) => jobShortfall(job, condition);
  if (name === "pods") return (pod) => podShortfall(pod, condition);
  if (condition) return (object) => conditionShortfall(object, condition);
  return name === "services" ? serviceShortfall : rollouts[name];
}
