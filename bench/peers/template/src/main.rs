//! Tells where the images are. (The guide's program starts QEMU here.)

fn main() {
    println!("{}\n{}", env!("BIOS_IMAGE"), env!("UEFI_IMAGE"));
}
