import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** What a tree is made of: a path that ends in a slash is a folder, `name -> target` a link; the number is the mode. */
export type Tree = Readonly<Record<string, number>>;

/** An empty folder that is gone at the end, whatever names and modes its contents have got. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "initkit-tree-"));
  return {
    path,
    [Symbol.dispose]: () => void execFileSync("sh", ["-c", 'chmod -R u+rwX "$1" && rm -rf "$1"', "sh", path]),
  };
}

/** Makes files, folders and links; modes are set last, as a folder's may not let its maker in again. */
export function makeTree(root: string, tree: Tree): void {
  for (const name of Object.keys(tree)) makeOne(root, name);
  const deepestFirst = Object.entries(tree).toSorted(([a], [b]) => b.length - a.length);
  for (const [name, mode] of deepestFirst) if (!name.includes(" -> ")) chmodSync(join(root, name), mode);
}

function makeOne(root: string, name: string): void {
  const [path, target] = name.split(" -> ");
  const whole = join(root, path!);
  mkdirSync(dirname(whole), { recursive: true });
  if (target !== undefined) symlinkSync(target, whole);
  else if (name.endsWith("/")) mkdirSync(whole, { recursive: true });
  else writeFileSync(whole, "");
}

/** Every path at and below a root, relative to it and sorted: `.` is the root. */
export function pathsIn(root: string): string[] {
  return [".", ...readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted()];
}

/** The mode of every path at and below a root, but for links, which have none. */
export function modesIn(root: string): Record<string, string> {
  const files = pathsIn(root).map((path) => [path, lstatSync(join(root, path))] as const);
  return Object.fromEntries(
    files
      .filter(([, stats]) => !stats.isSymbolicLink())
      .map(([path, { mode }]) => [path, (mode & 0o7777).toString(8)]),
  );
}

/** `uid:gid` of every path at and below a root. */
export function ownersIn(root: string): Record<string, string> {
  return Object.fromEntries(
    pathsIn(root).map((path) => {
      const { uid, gid } = lstatSync(join(root, path));
      return [path, `${uid}:${gid}`];
    }),
  );
}

/** When each inode was last written, by path. */
export function changeTimesIn(root: string): Record<string, bigint> {
  return Object.fromEntries(
    pathsIn(root).map((path) => [path, lstatSync(join(root, path), { bigint: true }).ctimeNs] as const),
  );
}

/** Gives everything to one user. */
export function giveTo(root: string, uid: number, gid: number): void {
  for (const path of pathsIn(root)) lchownSync(join(root, path), uid, gid);
}
