//! Reads the scenario files that paths and globs name.

use super::document::LARGEST_FILE;
use super::{Diagnostic, Diagnostics, Problem};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path as given, or as its glob found it.
    pub path: String,
    /// Its bytes. At most one more than the largest scenario may have, so that a longer file can be recognised.
    pub bytes: Vec<u8>,
}

/// Largest number of files of one invocation.
const MOST_FILES: usize = 1_000;

/// Reads every named file once, in the order given. The matches of a glob are in alphabetical order.
///
/// Returns the files, notes (files named twice), and all errors.
pub fn read(patterns: &[String]) -> (Vec<SourceFile>, Vec<String>, Diagnostics) {
    let mut sources = Vec::new();
    let mut notes = Vec::new();
    let mut found = Diagnostics::new();
    let mut known: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        if pattern == STDIN {
            match read_stdin() {
                Ok(bytes) => sources.push(SourceFile { path: "stdin".to_owned(), bytes: bytes.clone() }),
                Err(error) => {
                    let problem = Problem::new(format!("cannot be read: {error}"), "name a file");
                    found.push(Diagnostic::of("stdin", "", problem));
                }
            }
            continue;
        }
        let paths = match expand(pattern) {
            Ok(Expanded { paths, unreadable }) => {
                let problem = || Problem::new("the glob matches a name that is not UTF-8", "rename it");
                unreadable.into_iter().for_each(|path| found.push(Diagnostic::of(path, "", problem())));
                paths
            }
            Err(problem) => {
                found.push(Diagnostic::of(pattern, "", problem));
                continue;
            }
        };
        for path in paths {
            let shown = path.to_string_lossy().into_owned();
            let identity = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if known.contains(&identity) {
                notes.push(format!("{shown}: is named twice and runs once"));
                continue;
            }
            known.push(identity);
            if known.len() > MOST_FILES {
                let problem = Problem::new("too many scenario files", format!("at most {MOST_FILES}"));
                found.push(Diagnostic::of(shown, "", problem));
                return (sources, notes, found);
            }
            match read_file(&path) {
                Ok(bytes) => sources.push(SourceFile { path: shown, bytes }),
                Err(problem) => found.push(Diagnostic::of(shown, "", problem)),
            }
        }
    }
    (sources, notes, found)
}

/// Stands for stdin; a file of that name is `./-`.
const STDIN: &str = "-";

/// What comes from stdin. It can be read once only, and scenarios are read twice: first for the queues that they declare.
fn read_stdin() -> Result<&'static Vec<u8>, &'static io::Error> {
    static BYTES: OnceLock<io::Result<Vec<u8>>> = OnceLock::new();
    let read = || {
        let mut bytes = Vec::new();
        io::stdin().take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    BYTES.get_or_init(read).as_ref()
}

/// The characters that make a glob of a path.
const WILD: [char; 3] = ['*', '?', '['];

/// Any number of directories.
const ANY_DEPTH: &str = "**";

/// What a pattern stands for.
#[derive(Default)]
struct Expanded {
    paths: Vec<PathBuf>,
    /// What it matches but for a name that is not UTF-8, as text in which that is replaced.
    unreadable: Vec<String>,
}

/// A path that exists is itself, whatever it is called; else it may be a glob, which stands for the files it matches.
fn expand(pattern: &str) -> Result<Expanded, Problem> {
    let path = Path::new(pattern);
    let is_glob = pattern.contains(WILD);
    if !is_glob || fs::symlink_metadata(path).is_ok() {
        return Ok(Expanded { paths: vec![path.to_owned()], ..Expanded::default() });
    }
    let matches = glob::glob(pattern)
        .map_err(|error| Problem::new(format!("is no glob: {}", error.msg), "write [[] for a bracket that is meant"))?;
    let files = matches.filter_map(Result::ok).filter(|path| path.is_file());
    let paths: Vec<PathBuf> = files.take(MOST_FILES + 1).collect();
    let unreadable = unreadable_names(pattern);
    if paths.is_empty() && unreadable.is_empty() {
        return Err(Problem::new("the glob matches no file", "check the pattern"));
    }
    Ok(Expanded { paths, unreadable })
}

/// What a glob would match if its name were UTF-8: files, and directories on the way to some. `glob` passes over them
/// without a word, but for the directories that `**` stands for.
pub fn unreadable_names(pattern: &str) -> Vec<String> {
    let parts: Vec<&str> = pattern.split('/').collect();
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.contains(WILD) && **part != ANY_DEPTH) {
        let Ok(wild) = glob::Pattern::new(part) else { continue };
        let is_last = at + 1 == parts.len();
        for directory in directories(&parts[..at]) {
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            let odd = entries.filter(|entry| entry.file_name().to_str().is_none());
            let of_kind = odd.filter(|entry| if is_last { entry.path().is_file() } else { entry.path().is_dir() });
            let matched = of_kind.filter(|entry| wild.matches(&entry.file_name().to_string_lossy()));
            let shown = matched.map(|entry| {
                let path = entry.path();
                path.strip_prefix(".").unwrap_or(&path).to_string_lossy().into_owned()
            });
            found.extend(shown.take(MOST_FILES.saturating_sub(found.len())));
        }
    }
    found.sort();
    // `**` stands for any number of directories, so that it may come by twice.
    found.dedup();
    found
}

/// The directories that the first parts of a glob match.
fn directories(parts: &[&str]) -> Vec<PathBuf> {
    let pattern = match parts {
        [] => return vec![PathBuf::from(".")],
        [""] => return vec![PathBuf::from("/")],
        parts => parts.join("/"),
    };
    // At the end of a glob it stands for one directory at least, elsewhere also for none.
    let mut found = if let [before @ .., ANY_DEPTH] = parts { directories(before) } else { Vec::new() };
    let matches = glob::glob(&pattern).into_iter().flatten().filter_map(Result::ok);
    found.extend(matches.filter(|path| path.is_dir()).take(MOST_FILES));
    found
}

fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    let problem = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Problem::new("there is no such file", "check the path"),
        io::ErrorKind::PermissionDenied => Problem::new("may not be read", "give yourself the right to read it"),
        _ => Problem::new(format!("cannot be read: {error}"), "check the path"),
    };
    let metadata = fs::metadata(path).map_err(problem)?;
    if metadata.is_dir() {
        let fix = format!("name its files, such as {}", path.join("*.toml").display());
        return Err(Problem::new("is a directory", fix));
    }
    // Reading a pipe could block forever.
    if !metadata.is_file() {
        return Err(Problem::new("is not a regular file", "save the scenario to a file first"));
    }
    let mut bytes = Vec::new();
    let most = LARGEST_FILE as u64 + 1;
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(problem)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bad_paths_are_said() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_str().unwrap();
        fs::write(directory.path().join("b.toml"), "b").unwrap();
        fs::write(directory.path().join("a.toml"), "a").unwrap();
        fs::create_dir(directory.path().join("c.toml")).unwrap();
        let names = ["*.toml", "b.toml", "missing.toml", "x*.toml", "c.toml", "[", "./a.toml"];
        let patterns: Vec<String> = names.iter().map(|name| format!("{root}/{name}")).collect();
        let (sources, notes, found) = read(&patterns);
        let bytes: Vec<&[u8]> = sources.iter().map(|source| source.bytes.as_slice()).collect();
        assert_eq!(bytes, [b"a", b"b"]);
        let said = |text: String| text.replace(root, "R");
        assert_eq!(
            notes.into_iter().map(said).collect::<Vec<_>>(),
            ["R/b.toml: is named twice and runs once", "R/./a.toml: is named twice and runs once"]
        );
        assert_eq!(
            said(found.to_string()),
            "R/missing.toml: there is no such file (check the path)\n\
             R/x*.toml: the glob matches no file (check the pattern)\n\
             R/c.toml: is a directory (name its files, such as R/c.toml/*.toml)\n\
             R/[: is no glob: invalid range pattern (write [[] for a bracket that is meant)"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_glob_passes_over_no_name() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let (file, folder) = (OsStr::from_bytes(b"b\xff.toml"), OsStr::from_bytes(b"d\xff"));
        fs::create_dir_all(root.join("sub").join(folder)).unwrap();
        for path in [root.join("a.toml"), root.join(file), root.join("sub").join(folder).join("c.toml")] {
            fs::write(path, "x").unwrap();
        }
        fs::create_dir(root.join(OsStr::from_bytes(b"e\xff.toml"))).unwrap();
        let root = root.to_str().unwrap();
        let said = "the glob matches a name that is not UTF-8 (rename it)";
        for (glob, paths, expected) in [
            ("*.toml", &["R/a.toml"][..], vec!["R/b\u{fffd}.toml"]),
            ("b*", &[], vec!["R/b\u{fffd}.toml"]),
            ("a*", &["R/a.toml"], vec![]),
            ("sub/*/c.toml", &[], vec!["R/sub/d\u{fffd}"]),
            ("**/*.toml", &["R/a.toml", "R/sub/d\u{fffd}/c.toml"], vec!["R/b\u{fffd}.toml"]),
        ] {
            let (sources, _, found) = read(&[format!("{root}/{glob}")]);
            let read: Vec<String> = sources.iter().map(|source| source.path.replace(root, "R")).collect();
            assert_eq!(read, paths, "{glob}");
            let found = found.to_string().replace(root, "R");
            let expected: Vec<String> = expected.iter().map(|path| format!("{path}: {said}")).collect();
            assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{glob}");
        }
    }

    #[test]
    fn a_name_with_glob_characters_is_itself() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a[1].toml");
        fs::write(&path, "x").unwrap();
        let (sources, _, found) = read(&[path.to_str().unwrap().to_owned()]);
        assert!(found.is_empty(), "{found}");
        assert_eq!(sources.len(), 1);
    }
}
