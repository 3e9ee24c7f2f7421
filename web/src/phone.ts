import { areaLengths } from "./area-codes";

/** Digits after which a non-geographic Japanese number is cut, by prefix. */
const JAPAN_SERVICES: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^0800\d{7}$/, [4, 3, 4]],
  [/^0(?:20|50|60|70|80|90)\d{8}$/, [3, 4, 4]],
  [/^0(?:120|570|990|180|170)\d{6}$/, [4, 3, 3]],
];

function cut(number: string, lengths: readonly number[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const length of lengths) {
    parts.push(number.slice(from, from + length));
    from += length;
  }
  return parts.join("-");
}

function japanese(number: string): string {
  // 184 and 186 hide or show the caller's number for one call; they are no part of the number.
  const prefix = /^18[46](?=0\d{9})/.exec(number)?.[0];
  if (prefix) return `${prefix} ${japanese(number.slice(prefix.length))}`;
  for (const [form, lengths] of JAPAN_SERVICES) {
    if (form.test(number)) return cut(number, lengths);
  }
  if (!/^0[1-9]\d{8}$/.test(number)) return number;
  const [area, exchange] = areaLengths(number);
  return cut(number, [area, exchange, 10 - area - exchange]);
}

function northAmerican(digits: string): string {
  return `(${digits.slice(0, 3)}) ${digits.slice(3, 6)}-${digits.slice(6)}`;
}

/** A number as people of `country` (ISO 3166) write it; what is no public number comes back as it is. */
export function phoneNumber(number: string, country: string): string {
  if (country === "JP") {
    if (/^\+81[1-9]\d{8,9}$/.test(number)) return japanese(`0${number.slice(3)}`);
    return japanese(number);
  }
  const american = /^(?:\+?1)?([2-9]\d{9})$/.exec(number);
  if ((country === "US" || country === "CA") && american?.[1]) return northAmerican(american[1]);
  return number;
}
