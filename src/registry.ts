import type { AnyTask } from "./task.ts";

type Load = () => Promise<{ readonly default: AnyTask }>;

/** Every task, in the order of the documentation. A task is loaded when a step, help or schema needs it. */
export const registry: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["wait-for", () => import("../tasks/wait-for.ts")],
  ["download", () => import("../tasks/download.ts")],
  ["extract", () => import("../tasks/extract.ts")],
  ["migrate", () => import("../tasks/migrate.ts")],
  ["permissions", () => import("../tasks/permissions.ts")],
  ["mkdir", () => import("../tasks/mkdir.ts")],
  ["copy", () => import("../tasks/copy.ts")],
  ["write", () => import("../tasks/write.ts")],
  ["render", () => import("../tasks/render.ts")],
  ["link", () => import("../tasks/link.ts")],
  ["remove", () => import("../tasks/remove.ts")],
  ["sysctl", () => import("../tasks/sysctl.ts")],
  ["run", () => import("../tasks/run.ts")],
  ["script", () => import("../tasks/script.ts")],
  ["sleep", () => import("../tasks/sleep.ts")],
]);

export async function loadTask(name: string): Promise<AnyTask | undefined> {
  return (await registry.get(name)?.())?.default;
}

/** A task, or the command that runs as a single step does; no document and no list of steps can name that. */
export async function loadStep(name: string): Promise<AnyTask | undefined> {
  return name === "install" ? (await import("./install.ts")).default : await loadTask(name);
}

export function loadTasks(): Promise<AnyTask[]> {
  return Promise.all([...registry.values()].map(async (load) => (await load()).default));
}
