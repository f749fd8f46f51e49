/** Tar archives, made here. */
import test from "ava";
import { tarMember, tarMembers } from "#src/files/formats/tar.js";
import { type TarMember, tarOf } from "../../helpers/tar.js";
import { coded } from "../../networks/coded.js";

const CONTENT = Buffer.from("records".repeat(100));

test("gives the contents of files by their names, and passes over folders and POSIX's records", (t) => {
  for (const magic of ["ustar\x0000", "ustar  \0", "\0"]) {
    const members = tarMembers(
      "a.tar",
      tarOf([
        { name: "pax_global_header", type: "g", content: Buffer.from("19 comment=records\n"), magic },
        { name: "set/", type: "5", magic },
        { name: "set/", type: "\0", magic },
        { name: "set/a.bin", type: "x", content: Buffer.from("20 mtime=1234567.89\n"), magic },
        { name: "set/a.bin", content: CONTENT, magic },
        { name: "set/empty", type: "\0", magic },
      ]),
    );
    t.deepEqual([...members.keys()], ["set/a.bin", "set/empty"]);
    t.deepEqual(Buffer.from(tarMember("a.tar", members, "set/a.bin")), CONTENT);
    coded(t, () => tarMember("a.tar", members, "set/b.bin"), "ERR_DATASET_FORMAT");
  }
});

test("refuses links, devices, damage, and names that come twice", (t) => {
  const file: TarMember = { name: "a", content: CONTENT };
  for (const [bytes, words] of [
    [tarOf([{ name: "a", type: "2" }]), /found "a" of type "2"/],
    [tarOf([{ name: "a", type: "1" }]), /files and folders/],
    [tarOf([{ name: "a", type: "3" }]), /files and folders/],
    [tarOf([{ name: "a", type: "L" }]), /files and folders/],
    [tarOf([{ ...file, checksum: "000001\0 " }]), /checksum/],
    [tarOf([{ ...file, magic: "tar\0" }]), /ustar header at byte 0/],
    [tarOf([{ ...file, size: "77777777777\0" }]), /the content of "a"/],
    [tarOf([{ ...file, size: "\x80\0\0\0\0\0\0\0\0\0\0\x01" }]), /the content of "a"/],
    [tarOf([file, file]), /"a" twice/],
    [tarOf([file], false), /block of zeros at its end/],
    [tarOf([file]).subarray(0, 800), /the content of "a"/],
    [tarOf(Array.from({ length: 1_001 }, (_, n) => ({ name: `${n}` }))), /at most 1000 members/],
  ] as const) {
    const { message } = coded(t, () => tarMembers("a.tar", bytes), "ERR_DATASET_FORMAT");
    t.regex(message, words);
  }
});
