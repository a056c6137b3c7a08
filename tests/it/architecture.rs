//! The arrows between crates and modules, and what every file owes its reader.

use std::fs;
use std::path::{Path, PathBuf};
use tests::files_under;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it stands in the workspace").to_owned()
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let files = files_under(&root().join(folder));
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let text = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    rust.map(text).collect()
}

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    for (package, may_use) in [
        ("shared", &[][..]),
        ("worker", &["shared"]),
        ("api", &["shared", "worker"]),
        ("tests", &["shared", "worker", "api"]),
        ("benches", &["shared", "worker", "api", "tests"]),
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        for other in ["shared", "worker", "api", "tests", "benches"] {
            let uses = manifest.lines().any(|line| line.starts_with(&format!("{other}.workspace")));
            assert!(!uses || may_use.contains(&other), "{package} must not depend on {other}");
        }
    }
}

#[test]
fn modules_of_the_worker_point_in_one_direction() {
    for (folder, never) in [
        ("worker/src/score", &["crate::"][..]),
        (
            "worker/src/read",
            &["crate::analyse", "crate::fetch", "crate::cache", "crate::pipeline", "crate::table"],
        ),
        (
            "worker/src/analyse",
            &["crate::read", "crate::fetch", "crate::cache", "crate::pipeline", "crate::table"],
        ),
        ("worker/src/table", &["crate::pipeline", "crate::consume", "crate::fetch", "crate::cache"]),
    ] {
        for (name, text) in sources(folder) {
            let text = without_tests(&text);
            for word in never {
                assert!(!text.contains(word), "{name} must not use {word}");
            }
        }
    }
}

#[test]
fn what_is_pure_stays_pure() {
    const NEVER: [&str; 12] = [
        "tokio",
        "std::fs",
        "std::env",
        "std::net",
        "std::thread",
        "std::time",
        "object_store",
        "HashMap",
        "HashSet",
        "tracing::",
        "rayon",
        "async ",
    ];
    let pure = ["worker/src/score", "worker/src/read", "worker/src/analyse", "worker/src/write"]
        .into_iter()
        .flat_map(sources);
    let plan = sources("api/src")
        .into_iter()
        .filter(|(name, _)| name.ends_with("/plan.rs") || name.ends_with("/schedule/times.rs"));
    let tests = |name: &str| name.contains("tests") || name.ends_with("testing.rs");
    for (name, text) in pure.chain(plan).filter(|(name, _)| !tests(name)) {
        let code = without_tests(&text);
        let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for word in NEVER {
            assert!(!code.contains(word), "{name} must not use {word}");
        }
    }
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

#[test]
fn every_file_says_what_it_is_for_and_none_is_too_long() {
    for folder in ["shared", "worker", "api", "tests", "benches"] {
        for (name, text) in sources(folder) {
            assert!(text.starts_with("//!"), "{name} does not open with //!");
            let lines = text.lines().count();
            assert!(lines <= 600, "{name} has {lines} lines: is there a seam?");
        }
    }
}

#[test]
fn every_path_that_the_map_names_is_there() {
    let map = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let paths = map.split('`').skip(1).step_by(2).filter(|code| {
        code.contains('/') && !code.contains(|c: char| c.is_whitespace() || "<>{}*$:…".contains(c))
    });
    let missing: Vec<&str> = paths.filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "docs/ARCHITECTURE.md names {missing:?}");
}

#[test]
fn every_limit_knob_metric_and_kind_of_failure_has_its_row() {
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    for limit in shared::limits::LIMITS {
        let row =
            format!("| `{}` | {} | {} | {} |", limit.env, limit.default, limit.unit, limit.reason.trim());
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
    for limit in shared::limits::FIXED {
        let row =
            format!("| `{}` | {} | {} | {} |", limit.name, limit.default, limit.unit, limit.reason.trim());
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
    for bound in api::mcp::BOUNDS {
        let row = format!("| {} | {} | {} | {} |", bound.name, bound.default, bound.unit, bound.reason);
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
    for knob in shared::config::KNOBS {
        let row = format!("| `{}` | {} | {} |", knob.env, knob.default, knob.summary);
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
    for metric in shared::metrics::METRICS {
        let shared::metrics::Metric { name, kind, unit, help, .. } = metric;
        let row = format!("| `{name}` | {kind} | {unit} | {} |", help.trim());
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
    for family in shared::metrics::FAMILIES {
        let shared::metrics::Family { name, unit, help, labels, .. } = family;
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (word, labels) = (if labels.len() > 1 { "labels" } else { "label" }, labels.join(" and "));
        let row = format!("| `{name}` | counter | {unit} | {} Of {word} {labels}. |", help.trim());
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
    for kind in shared::failure::FailureKind::ALL {
        let row = kind.row();
        let yes = |truth: bool| if truth { "yes" } else { "no" };
        let row =
            format!("| `{}` | {} | {} | {} |", row.label, yes(row.transient), yes(row.lasting), row.http);
        assert!(page.contains(&row), "docs/operations.md lacks the row\n{row}");
    }
}
