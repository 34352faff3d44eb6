import { readFileSync, writeFileSync } from "node:fs";
import { readmePath, regenerate } from "./generate.ts";

writeFileSync(readmePath, await regenerate(readFileSync(readmePath, "utf8")));
