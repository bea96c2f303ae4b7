//! Writes the table of emoji: the texts alone, so that the names and short codes that the crate also has are in no package.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let mut table = String::new();
    for emoji in emojis::iter() {
        for variant in emoji.skin_tones().into_iter().flatten().chain([emoji]) {
            if !table.lines().any(|known| known == variant.as_str()) {
                table.push_str(variant.as_str());
                table.push('\n');
            }
        }
    }
    // Basic emoji of their own, which the crate knows as parts of others alone.
    for modifier in '\u{1f3fb}'..='\u{1f3ff}' {
        table.push(modifier);
        table.push('\n');
    }
    let folder = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::write(Path::new(&folder).join("rgi.txt"), table).expect("the build folder can be written to");
}
