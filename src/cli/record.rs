//! `record`: logs in, a trace out.

use super::args::RecordArgs;
use super::error::CliError;
use super::exit::Exit;
use super::stdio;
use crate::record::{BytesOf, Keys, LevelNumbers, Reading, RecordError, Recorder, Settings, Unit};
use crate::report;
use crate::untrusted::Untrusted;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// Reads the logs and writes the trace.
pub fn record(args: &RecordArgs) -> Result<Exit, CliError> {
    let mut recorder = Recorder::new(settings(args));
    let stdin = [PathBuf::from("-")];
    for path in if args.files.is_empty() { &stdin[..] } else { &args.files } {
        take(&mut recorder, path)?;
    }
    let recording = recorder.finish()?;
    let trace = recording.to_csv();
    match &args.output {
        Some(path) if !report::is_stdin(path) => report::write_bytes(&trace, path)?,
        _ => stdio::result(&trace)?,
    }
    recording.notes().iter().filter(|_| !args.quiet).for_each(|note| stdio::note(note));
    Ok(Exit::Pass)
}

fn take(recorder: &mut Recorder, path: &Path) -> Result<(), RecordError> {
    if report::is_stdin(path) {
        return recorder.take(&"-".into(), io::stdin().lock());
    }
    let name: Untrusted = path.to_string_lossy().into_owned().into();
    match File::open(path) {
        Ok(file) => recorder.take(&name, BufReader::with_capacity(1 << 16, file)),
        Err(source) => Err(RecordError::Unreadable { file: name, source }),
    }
}

fn settings(args: &RecordArgs) -> Settings {
    let usual = Keys::default();
    let or = |given: &Option<String>, usual| given.as_ref().map_or(usual, |key| vec![key.clone()]);
    let keys = Keys {
        time: or(&args.time_key, usual.time),
        level: or(&args.level_key, usual.level),
        message: or(&args.message_key, usual.message),
    };
    let reading = Reading { keys, unit: args.unit, numbers: args.level_numbers, bytes: args.bytes };
    Settings { reading, tolerated: args.tolerate }
}

/// One of several words, for an option.
macro_rules! words {
    ($($type:ty),+) => {$(
        impl clap::ValueEnum for $type {
            fn value_variants<'a>() -> &'a [Self] {
                &<$type>::ALL
            }

            fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
                Some(clap::builder::PossibleValue::new(self.name()))
            }
        }
    )+};
}

words!(Unit, LevelNumbers, BytesOf);
