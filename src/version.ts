declare const INITKIT_VERSION: string | undefined;

/** The version of package.json, put in by the build. */
export const version: string = typeof INITKIT_VERSION === "string" ? INITKIT_VERSION : "development";
