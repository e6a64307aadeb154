//! What anyone may put into a file: the seeds of `fuzz/`, and what becomes of them when they are damaged. The same
//! functions that are fuzzed, on a stable compiler.

use queue_load::internals::hostile::TARGETS;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::path::PathBuf;

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    seeds.sort();
    seeds
}

/// One of: bytes changed, a piece cut out, a piece said again elsewhere, the end cut off, a number made large.
fn damaged(seed: &[u8], other: &[u8], draw: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    let mut below = |most: usize| (draw.next_u64() % (most.max(1) as u64)) as usize;
    for _ in 0..=below(4) {
        let at = below(bytes.len());
        let end = (at + 1 + below(64)).min(bytes.len());
        match below(6) {
            0 if !bytes.is_empty() => bytes[at] = below(256) as u8,
            1 => drop(bytes.drain(at.min(end)..end)),
            2 => bytes.truncate(at),
            3 => {
                let from = below(other.len());
                let piece = other[from..(from + below(200)).min(other.len())].to_vec();
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), piece);
            }
            4 => {
                let numbers = ["-1", "0", "18446744073709551615", "1e999", "1e308", "null", "\"\"", "[]", "{}"];
                let number = numbers[below(numbers.len())];
                let start = bytes[at.min(bytes.len())..].iter().position(u8::is_ascii_digit).map_or(at, |n| at + n);
                let digits = bytes[start.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                bytes.splice(start.min(bytes.len())..start.min(bytes.len()) + digits, number.bytes());
            }
            _ => bytes.splice(at.min(bytes.len())..at.min(bytes.len()), [0xff, 0xfe, 0, b'\n']).for_each(drop),
        }
    }
    bytes
}

#[test]
fn every_format_has_a_target_seeds_and_a_recipe() {
    let read = |file: &str| std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (manifest, recipes) = (read("fuzz/Cargo.toml"), read("Justfile"));
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
        assert!(read(&format!("fuzz/fuzz_targets/{name}.rs")).contains(&format!("hostile::{name}(")), "{name}");
        assert!(recipes.lines().any(|line| line.starts_with("fuzz-targets :=") && line.contains(name)), "{name}");
        assert!(!seeds(name).is_empty(), "{name}");
    }
}

#[test]
fn seeds_hold() {
    for (name, hold) in TARGETS {
        for (path, bytes) in seeds(name) {
            eprintln!("{}", path.display());
            hold(&bytes);
        }
    }
}

#[test]
fn damaged_seeds_hold() {
    damage(40);
}

#[test]
#[ignore = "takes time"]
fn thousands_of_damaged_seeds_hold() {
    damage(2_000);
}

fn damage(times: usize) {
    let mut draw = Xoshiro256PlusPlus::seed_from_u64(42);
    let mut broken = Vec::new();
    for (name, hold) in TARGETS {
        let seeds = seeds(name);
        for turn in 0..times {
            let seed = &seeds[turn % seeds.len()].1;
            let other = &seeds[draw.next_u64() as usize % seeds.len()].1;
            let bytes = damaged(seed, other, &mut draw);
            if std::panic::catch_unwind(|| hold(&bytes)).is_err() {
                broken.push(format!("{name}, turn {turn}"));
            }
        }
    }
    assert_eq!(broken, [""; 0], "what was wrong with each stands above");
}

/// Where the whole numbers of a text begin and end.
fn numbers(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

#[test]
fn every_number_may_be_any_other() {
    change_numbers(5);
}

#[test]
#[ignore = "takes time"]
fn every_number_of_more_may_be_any_other() {
    change_numbers(60);
}

/// Changes each of up to `most` numbers of every seed.
fn change_numbers(most: usize) {
    let mut broken = Vec::new();
    for (name, hold) in TARGETS {
        for (path, bytes) in seeds(name) {
            let numbers = numbers(&bytes);
            for place in numbers.iter().step_by(numbers.len().div_ceil(most).max(1)) {
                for other in ["18446744073709551615", "9007199254740993"] {
                    let mut text = bytes.clone();
                    text.splice(place.clone(), other.bytes());
                    if std::panic::catch_unwind(|| hold(&text)).is_err() {
                        broken.push(format!("{}: {other} at byte {}", path.display(), place.start));
                    }
                }
            }
        }
    }
    assert_eq!(broken, [""; 0], "what was wrong with each stands above");
}
