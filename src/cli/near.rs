//! Suggestions: what the user probably meant.

use std::path::Path;

/// Least similarity of a suggestion; 1 means equal.
const LEAST: f64 = 0.6;
/// Largest number of suggestions.
const MOST: usize = 3;
/// Longest text that is compared, in bytes: the time of a comparison grows with the product of the lengths.
const LONGEST: usize = 1_000;

/// The candidates most similar to the text, the nearest first; each once.
pub fn nearest<'c>(written: &str, candidates: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    if written.len() > LONGEST {
        return Vec::new();
    }
    let comparable = candidates.filter(|candidate| candidate.len() <= LONGEST);
    let mut near: Vec<(f64, &str)> =
        comparable.map(|candidate| (strsim::normalized_damerau_levenshtein(written, candidate), candidate)).collect();
    near.retain(|(similarity, _)| *similarity >= LEAST);
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    near.dedup_by(|one, other| one.1 == other.1);
    near.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}

/// `; did you mean A or B?`; empty without a suggestion.
pub fn question(near: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = near.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(" or ")) }
}

/// Reports and journals with names similar to that of a missing file, beside it and in the reports directory.
pub fn files(missing: &Path, reports_dir: &Path) -> Vec<String> {
    let Some(name) = missing.file_name().and_then(|name| name.to_str()) else {
        return Vec::new();
    };
    let beside = missing.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found: Vec<String> = Vec::new();
    for directory in [beside, reports_dir] {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().take(10_000);
        let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let ours =
            names.iter().map(String::as_str).filter(|name| name.ends_with(".json") || name.ends_with(".journal"));
        let near = nearest(name, ours).into_iter().map(|name| directory.join(name).display().to_string());
        found.extend(near.map(|path| path.strip_prefix("./").map_or(path.clone(), str::to_owned)));
    }
    found.sort();
    found.dedup();
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_similar_names_are_suggested() {
        let ids =
            ["maxsize=10 strategy=drop", "maxsize=10 strategy=block", "something else", "maxsize=10 strategy=drop"];
        assert_eq!(nearest("maxsize=10 strategy=dorp", ids.into_iter()), [ids[0], ids[1]]);
        assert!(nearest("zzz", ids.into_iter()).is_empty());
        assert!(nearest(&"x".repeat(100_000), ids.into_iter()).is_empty());
        assert_eq!(question(&["a", "b"]), "; did you mean `a` or `b`?");
        assert_eq!(question(&[""; 0]), "");
    }

    #[test]
    fn files_of_like_names_are_found_in_both_places() {
        let place = tempfile::tempdir().unwrap();
        let reports = place.path().join("reports");
        std::fs::create_dir(&reports).unwrap();
        for path in [place.path().join("base.json"), reports.join("bass.json"), place.path().join("base.txt")] {
            std::fs::write(path, "").unwrap();
        }
        let found = files(&place.path().join("bse.json"), &reports);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found.iter().any(|path| path.ends_with("base.json"))
                && found.iter().any(|path| path.ends_with("bass.json"))
        );
    }
}
