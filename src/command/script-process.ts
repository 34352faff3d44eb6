/** Thrown by `process.exit` of a script; ends it even where the script catches it. */
export class ScriptExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`process.exit(${exitCode})`);
    this.exitCode = exitCode;
  }
}

/**
 * The `process` of a script: with an environment of its own, and with an end that is the script's alone. Node's
 * own `exit` would end initkit, and no later step would run.
 * @param end told before anything is thrown
 */
export function scriptProcess(env: NodeJS.ProcessEnv, end: (exit: ScriptExit) => void): NodeJS.Process {
  const own: Record<string | symbol, unknown> = {
    env,
    exitCode: undefined,
    exit(code: unknown = own["exitCode"]) {
      const exit = new ScriptExit(Number(code ?? 0));
      end(exit);
      throw exit;
    },
  };
  return new Proxy(process, {
    get: (target, key) => Reflect.get(Object.hasOwn(own, key) ? own : target, key) as unknown,
    set: (target, key, value) => Reflect.set(Object.hasOwn(own, key) ? own : target, key, value),
  });
}
