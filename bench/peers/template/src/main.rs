//! Starts QEMU with the image that the first argument names: `bios` or `uefi`.

use std::process::{Command, exit};

use ovmf_prebuilt::{Arch, FileType, Prebuilt, Source};

fn main() {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-serial", "mon:stdio"]);
    match std::env::args().nth(1).as_deref() {
        Some("bios") => {
            qemu.args(["-drive", concat!("format=raw,file=", env!("BIOS_IMAGE"))]);
        }
        Some("uefi") => {
            let firmware = Prebuilt::fetch(Source::LATEST, "target/ovmf").expect("the firmware OVMF");
            let code = firmware.get_file(Arch::X64, FileType::Code);
            let code = format!("if=pflash,format=raw,unit=0,file={},readonly=on", code.display());
            let vars = firmware.get_file(Arch::X64, FileType::Vars);
            let vars = format!("if=pflash,format=raw,unit=1,file={},snapshot=on", vars.display());
            qemu.args(["-drive", &code, "-drive", &vars]);
            qemu.args(["-drive", concat!("format=raw,file=", env!("UEFI_IMAGE"))]);
        }
        _ => {
            eprintln!("usage: template bios|uefi");
            exit(2);
        }
    }
    let status = qemu.status().expect("qemu-system-x86_64");
    exit(status.code().unwrap_or(1));
}
