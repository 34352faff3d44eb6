import { now } from "../deadline.ts";
import { formatBytes, formatMs } from "../format.ts";

/** The rate is that of the last moments, so that a stall shows. */
const windowMs = 5000;

interface Mark {
  readonly at: number;
  readonly bytes: number;
}

/** How far a transfer has come, in words. */
export class Pace {
  readonly #total: number | undefined;
  #marks: Mark[];

  /**
   * @param bytes that are there already
   * @param total that there will be, where that is known
   */
  constructor(bytes: number, total: number | undefined) {
    this.#total = total;
    this.#marks = [{ at: now(), bytes }];
  }

  /** `1.2 GiB of 2.6 GiB (46%), 85 MiB/s, 17s left` */
  at(bytes: number): string {
    const rate = this.#rateAt({ at: now(), bytes });
    const speed = rate > 0 ? `, ${formatBytes(Math.round(rate * 1000))}/s` : "";
    const total = this.#total;
    if (total === undefined) return `${formatBytes(bytes)}${speed}`;
    const left = rate > 0 ? `, ${formatMs(Math.ceil((total - bytes) / rate / 1000) * 1000)} left` : "";
    return `${formatBytes(bytes)} of ${formatBytes(total)} (${percent(bytes, total)})${speed}${left}`;
  }

  /** Part of the whole, from 0 to 1. */
  shareAt(bytes: number): number | undefined {
    return this.#total ? Math.min(bytes / this.#total, 1) : undefined;
  }

  /** Bytes a millisecond. */
  #rateAt(mark: Mark): number {
    const last = this.#marks.at(-1)!;
    if (mark.at - last.at >= windowMs / 10) this.#marks.push(mark);
    while (this.#marks.length > 1 && mark.at - this.#marks[1]!.at >= windowMs) this.#marks.shift();
    const [first] = this.#marks as [Mark];
    const ms = mark.at - first.at;
    return ms > 0 ? (mark.bytes - first.bytes) / ms : 0;
  }
}

const percent = (bytes: number, total: number): string =>
  `${total === 0 ? 100 : Math.floor((bytes / total) * 100)}%`;
