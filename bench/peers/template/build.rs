//! Makes both disk images of the kernel that cargo built before this script.

use std::{env, path::PathBuf};

fn main() {
    let kernel = PathBuf::from(env::var_os("CARGO_BIN_FILE_KERNEL_kernel").expect("the kernel's path"));
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("the output folder"));
    let bios = folder.join("bios.img");
    let uefi = folder.join("uefi.img");
    bootloader::BiosBoot::new(&kernel).create_disk_image(&bios).expect("the BIOS image");
    bootloader::UefiBoot::new(&kernel).create_disk_image(&uefi).expect("the UEFI image");
    println!("cargo::rustc-env=BIOS_IMAGE={}", bios.display());
    println!("cargo::rustc-env=UEFI_IMAGE={}", uefi.display());
}
