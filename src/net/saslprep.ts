/**
 * Prepares a password for SCRAM (RFC 4013, SASLprep): those who type the same get the same bytes.
 * Unassigned characters and mixed directions of writing are left for the server to judge.
 * @returns undefined where it has a character that is prohibited there
 */
export function saslPrep(text: string): string | undefined {
  const mapped = text.replace(otherSpaces, " ").replace(ignored, "").normalize("NFKC");
  return prohibited.test(mapped) ? undefined : mapped;
}

/** RFC 3454, table C.1.2. */
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;

/** RFC 3454, table B.1: soft hyphens, joiners, selectors of variants. */
const ignored = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;

/** RFC 3454, tables C.2 to C.9. */
const prohibited =
  /[\p{Cc}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;
