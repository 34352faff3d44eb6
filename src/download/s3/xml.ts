const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text of the first element of a name, for answers that have no two levels of it; undefined where it has none. */
export function textIn(xml: string, name: string): string | undefined {
  const [, text] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return text?.trim().replace(/&(#x?[0-9a-f]+|[a-z]+);/gi, decodedReference) || undefined;
}

/** XML 1.0, sections 4.1 and 4.6. */
function decodedReference(whole: string, name: string): string {
  if (!name.startsWith("#")) return entities[name] ?? whole;
  const code = Number(name.replace(/^#x/i, "0x").replace("#", ""));
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
