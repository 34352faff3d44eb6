import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { didYouMean } from "../suggest.ts";
import { readService } from "./service-file.ts";
import type { DatabaseSettings } from "./settings.ts";
import {
  databaseSettings,
  type Environment,
  serviceNameOf,
  sourceOf,
  withSource,
} from "./settings-source.ts";

/** Parameters that say which database it is, or how safely it is reached: none of these may be lost to a slip. */
const telling = [
  "channel_binding",
  "dbname",
  "hostaddr",
  "options",
  "passfile",
  "service",
  "sslmode",
  "sslnegotiation",
  "sslrootcert",
  "target_session_attrs",
];

/**
 * What `databaseSettings` says, without reading the file of a service.
 * @throws Failure `configuration`, also for a parameter of the URL that is nearly one of libpq's
 */
export function checkDatabaseSettings(url: string | undefined, env: Environment): void {
  databaseSettings(url, env, new Map());
  withSource(url, env, (given) => {
    for (const name of given.keys()) {
      const meant = telling.includes(name) ? "" : didYouMean(name, telling);
      if (meant) throw new Error(`has a parameter ${quote(name)}, which is none of libpq's${meant}`);
    }
  });
}

/** What `databaseSettings` says, with what the file of services has. @throws Failure `configuration` */
export async function readDatabaseSettings(
  url: string | undefined,
  env: Environment,
): Promise<DatabaseSettings> {
  const name = serviceNameOf(url, env);
  if (name === undefined) return databaseSettings(url, env);
  try {
    return databaseSettings(url, env, await readService(name, env));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("configuration", `${sourceOf(url, env)} ${(error as Error).message}`, {
      hint: "mount the file of services, and set PGSERVICEFILE to its path",
    });
  }
}
