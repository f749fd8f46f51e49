/** Axes of the tensors in an ONNX graph, and the part that each plays in a map. */
import type { MapOrder, MapShape } from "#src/base/contracts/network.js";

/** A list of units is an axis of channels. An axis of size 1 can have each role. */
export type Role = "rows" | "columns" | "channels";

export interface Axis {
  readonly size: number;
  readonly role: Role;
}

export const ONE: Axis = { size: 1, role: "channels" };

/** Pixels of several channels have their channels last if that axis is at most this long. */
const MOST_IMAGE_CHANNELS = 4;

/** How a map of these axes is flattened; undefined if both orders are the same. */
export const ORDERS: ReadonlyMap<string, MapOrder | undefined> = new Map([
  ["rows,columns", undefined],
  ...["channels,rows,columns", "channels,rows", "channels,columns"].map(
    (roles) => [roles, "channels-first"] as const,
  ),
  ...["rows,columns,channels", "rows,channels", "columns,channels"].map(
    (roles) => [roles, "channels-last"] as const,
  ),
]);

export function isMore({ size }: Axis): boolean {
  return size !== 1;
}

export function isOf({ size, role }: Axis, expected: Role): boolean {
  return size === 1 || role === expected;
}

/** Roles of an image's axes, by their sizes; undefined for more than three that are not 1. */
export function imageAxes(sizes: readonly number[]): Axis[] | undefined {
  const more = sizes.filter((size) => size !== 1);
  if (more.length > 3 || sizes.includes(0)) return undefined;
  const [first = 1, , third = 1] = more;
  const isLast = third <= MOST_IMAGE_CHANNELS && first > MOST_IMAGE_CHANNELS;
  const roles: readonly Role[] =
    more.length === 3
      ? isLast
        ? ["rows", "columns", "channels"]
        : ["channels", "rows", "columns"]
      : more.length === 2
        ? ["rows", "columns"]
        : ["channels"];
  const left = [...roles];
  return sizes.map((size) => (size === 1 ? ONE : { size, role: left.shift() ?? "channels" }));
}

/** What the first layer reads: a map, or a number of units. */
export function startOf(axes: readonly Axis[]): MapShape | number {
  const of = (role: Role) => axes.find((axis) => isMore(axis) && axis.role === role)?.size ?? 1;
  const [rows, columns, channels] = [of("rows"), of("columns"), of("channels")];
  return rows * columns === 1 ? channels : { rows, columns, channels };
}
