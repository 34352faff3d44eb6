import { parseArguments, parseSteps } from "./arguments.ts";
import { readDocumentText, readStepText, type StepsDocument } from "./document.ts";
import { quote } from "./format.ts";
import { type CommandLine, variableOf } from "./globals.ts";
import type { Problems } from "./problems.ts";
import type { RawStep, Value } from "./raw-step.ts";
import { readDocument } from "./read-text.ts";
import { rejectUnknownVariables, stepVariables } from "./variables.ts";
import { splitWords } from "./words.ts";

export interface Source extends StepsDocument {
  /** What was set but not used. */
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where steps can come from, the first one that is set wins. */
interface Candidate {
  /** How a warning names it. */
  readonly name: string;
  read(problems: Problems): Promise<StepsDocument>;
}

/**
 * The raw steps of the one source that counts. Every mistake goes to `problems`.
 * @param file of the flag, else of the variable; undefined also where its value was a mistake
 */
export async function readSource(
  { options, words }: CommandLine,
  file: string | undefined,
  env: Environment,
  problems: Problems,
): Promise<Source> {
  rejectUnknownVariables(env, problems);
  const [used, ...unused] = candidates(options.get("file"), words, { file, env });
  if (!used) {
    problems.add(
      "",
      "no steps: none in the arguments, a file, INITKIT_STEPS or INITKIT_STEP_*",
      "initkit help shows how to give them",
    );
    return { steps: [], warnings: [] };
  }
  if (used.name === "INITKIT_STEPS" && unused.length > 0) {
    problems.add(
      "INITKIT_STEPS",
      "is set together with INITKIT_STEP_* variables, and only one of them can count",
      "remove one of them, or give the file or the arguments that win over both",
    );
  }
  const document = await used.read(problems);
  if (document.steps.length === 0 && problems.size === 0) problems.add(used.name, "there is no step in it");
  const warnings = unused.map(({ name }) => `${name} is set but not used: the steps come from ${used.name}`);
  return { ...document, warnings };
}

function candidates(
  flag: Value | undefined,
  words: readonly Value[],
  { file, env }: { readonly file: string | undefined; readonly env: Environment },
): Candidate[] {
  const variable = variableOf("file");
  const variables = stepVariables(env);
  const found: (Candidate | false)[] = [
    words.length > 0 && {
      name: "the arguments",
      read: async (problems) => ({ steps: await parseArguments(words, problems) }),
    },
    flag !== undefined && {
      name: `-f ${flag.text}`,
      read: (problems) => readFile(file, flag.place, problems),
    },
    Boolean(env[variable]) && { name: variable, read: (problems) => readFile(file, variable, problems) },
    Boolean(env["INITKIT_STEPS"]?.trim()) && {
      name: "INITKIT_STEPS",
      read: (problems) => readDocumentText(env["INITKIT_STEPS"]!, "INITKIT_STEPS", problems),
    },
    variables.length > 0 && {
      name: "INITKIT_STEP_*",
      read: (problems) => readVariables(variables, problems),
    },
  ];
  return found.filter((candidate) => candidate !== false);
}

async function readFile(path: string | undefined, place: string, problems: Problems): Promise<StepsDocument> {
  if (path === undefined) return { steps: [] };
  const text = problems.catch(place, quote(path), () => readDocument(path));
  if (text === undefined) return { steps: [] };
  return readDocumentText(text, path === "-" ? "standard input" : path, problems);
}

async function readVariables(variables: readonly Value[], problems: Problems): Promise<StepsDocument> {
  const steps: RawStep[] = [];
  for (const variable of variables) steps.push(...(await readVariable(variable, problems)));
  return { steps };
}

/** A mapping begins with a key and a colon or with a brace, a line with the name of a task. */
const mapping = /^(?:\s|#.*\n|---\s)*(?:[{?]|["']?[\w-]+["']?\s*:(?:\s|$))/;
const list = /^(?:\s|#.*\n|---\s)*(?:\[|-\s)/;

async function readVariable({ text, place }: Value, problems: Problems): Promise<readonly RawStep[]> {
  if (list.test(text)) {
    problems.add(
      place,
      "holds a list, but one variable is one step",
      "put a list of steps into INITKIT_STEPS",
    );
    return [];
  }
  if (mapping.test(text)) {
    const step = await readStepText(text, place, problems);
    return step ? [step] : [];
  }
  const words = problems.catch(place, "the line", () => splitWords(text));
  return parseSteps(words?.map((word) => ({ text: word, place })) ?? [], problems);
}
