import { fstatSync } from "node:fs";

/** The major numbers of Linux's terminals: virtual consoles and serial lines (4, 5), pseudo-terminals (136–143). */
const isTerminalMajor = (major: number): boolean =>
  major === 4 || major === 5 || (major >= 136 && major <= 143);

/** Whether a file descriptor is a terminal. node:tty would answer too, but loads all of node:net. */
export function isTerminal(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isCharacterDevice() && isTerminalMajor((stats.rdev >> 8) & 0xfff);
  } catch {
    return false;
  }
}
