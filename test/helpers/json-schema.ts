type Schema = { readonly [key: string]: any };

const annotations = new Set(["$schema", "$defs", "title", "description", "default", "examples"]);

/** The mistakes that JSON Schema (draft 2020-12) sees in a value, for the keywords that initkit's own schema uses. */
export function validate(root: Schema, value: unknown): string[] {
  function check(schema: Schema, each: unknown, at: string): string[] {
    return Object.entries(schema).flatMap(([keyword, says]) => {
      if (annotations.has(keyword)) return [];
      const rule = rules[keyword];
      if (!rule) throw new Error(`this validator does not know ${keyword}`);
      return rule(says, each, at, schema);
    });
  }

  function matching(schemas: readonly Schema[], each: unknown, at: string): number {
    return schemas.filter((schema) => check(schema, each, at).length === 0).length;
  }

  type Rule = (says: any, each: any, at: string, schema: Schema) => string[];
  const rules: Record<string, Rule> = {
    $ref: (says, each, at) => check(root["$defs"][says.slice("#/$defs/".length)], each, at),
    type: (says, each, at) =>
      [says].flat().some((type: string) => isType(type, each)) ? [] : [`${at}: not ${says}`],
    enum: (says, each, at) => (says.includes(each) ? [] : [`${at}: not one of ${says}`]),
    const: (says, each, at) => (says === each ? [] : [`${at}: not ${says}`]),
    anyOf: (says, each, at) => (matching(says, each, at) > 0 ? [] : [`${at}: none of anyOf`]),
    oneOf: (says, each, at) => (matching(says, each, at) === 1 ? [] : [`${at}: not exactly one of oneOf`]),
    minimum: (says, each, at) =>
      typeof each !== "number" || each >= says ? [] : [`${at}: less than ${says}`],
    pattern: (says, each, at) =>
      typeof each !== "string" || new RegExp(says, "u").test(each) ? [] : [`${at}: not ${says}`],
    minItems: (says, each, at) => (!Array.isArray(each) || each.length >= says ? [] : [`${at}: too few`]),
    items: (says, each, at) =>
      Array.isArray(each) ? each.flatMap((item, index) => check(says, item, `${at}/${index}`)) : [],
    required: (says, each, at) =>
      isObject(each)
        ? says.filter((name: string) => !(name in each)).map((name: string) => `${at}: no ${name}`)
        : [],
    properties: (says, each, at) =>
      isObject(each)
        ? Object.entries(each).flatMap(([name, item]) =>
            Object.hasOwn(says, name) ? check(says[name], item, `${at}/${name}`) : [],
          )
        : [],
    additionalProperties: (says, each, at, { properties = {} }) =>
      isObject(each)
        ? Object.entries(each)
            .filter(([name]) => !Object.hasOwn(properties, name))
            .flatMap(([name, item]) =>
              says === false ? [`${at}: unknown ${name}`] : check(says, item, `${at}/${name}`),
            )
        : [],
  };
  return check(root, value, "");
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isType(type: string, value: unknown): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  return typeof value === type;
}
