import { Failure } from "../failure.ts";
import { count, quote } from "../format.ts";
import type { Gap } from "./marks.ts";

/** The marks of all templates that have no value, each with the first places where it stands. */
export class Gaps {
  readonly #unset = new Map<string, Places>();
  readonly #forms = new Map<string, Places>();

  add(gap: Gap, file: string, line: number): void {
    const [places, what] = "unset" in gap ? [this.#unset, gap.unset] : [this.#forms, `${gap.form}...`];
    const known = places.get(what) ?? { first: [], number: 0 };
    if (known.first.length < mostShown) known.first.push(quote(`${file}:${line}`));
    known.number++;
    places.set(what, known);
  }

  /** @throws Failure `access` that names every one of them */
  throwIfAny(): void {
    const [unset, forms] = [this.#unset, this.#forms];
    if (unset.size + forms.size === 0) return;
    const parts = [
      ...(unset.size > 0 ? [`${count(unset.size, "variable")} not set: ${listed(unset)}`] : []),
      ...(forms.size > 0 ? [`neither \${NAME} nor \${NAME:-default}: ${listed(forms)}`] : []),
    ];
    throw new Failure("access", `cannot render: ${parts.join("; ")}`, {
      hint: unset.size > 0 ? `${unsetHint}; ${formHint}` : formHint,
    });
  }
}

interface Places {
  readonly first: string[];
  number: number;
}

const mostShown = 3;

const listed = (gaps: ReadonlyMap<string, Places>): string =>
  [...gaps].map(([what, places]) => `${what} (${shown(places)})`).join(", ");

function shown({ first, number }: Places): string {
  const more = number - first.length;
  return more > 0 ? `${first.join(", ")} and ${more} more` : first.join(", ");
}

const unsetHint =
  "set the variables in the container's env (check optional references to a ConfigMap or Secret), or write ${NAME:-default}";
const formHint =
  "where the file holds ${ that is not for initkit, name with only the variables that are, or write $${ for a literal one";
