//! The chart: rendered by helm itself, held against the schemas of Kubernetes, and against what the programs do.

use crate::support::finish;
use shared::dispatch::Lane;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{data, files_under};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it stands in the workspace").to_owned()
}

#[test]
fn the_chart_renders_validates_and_refuses_wrong_values() {
    let python = shared::config::var("RIPIENO_TEST_PYTHON");
    let (Some(python), Some(helm)) = (python, shared::config::var("RIPIENO_TEST_HELM")) else {
        println!("skipped: no helm, or no Python with the schemas of Kubernetes (tests/run installs them)");
        return;
    };
    let mut command = Command::new(python);
    command.arg(root().join("tests/check_helm.py")).arg(helm).arg(root().join("helm"));
    let (code, text, errors) = finish(command.arg(data().join("kubernetes")));
    assert_eq!(code, 0, "{text}{errors}");
}

#[test]
fn the_chart_counts_by_what_the_programs_do() {
    let values = fs::read_to_string(root().join("helm/values.yaml")).unwrap();
    let slots = worker::consume::SLOTS;
    assert!(values.contains(&format!("\n  slots: {slots}\n")), "a worker has {slots} chunks in work");
    let schema = fs::read_to_string(root().join("helm/values.schema.json")).unwrap();
    assert!(schema.contains(&format!("\"slots\": {{\"const\": {slots}}}")));
    let worker = fs::read_to_string(root().join("helm/templates/worker.yaml")).unwrap();
    for lane in [Lane::Interactive, Lane::Suspect, Lane::Bulk] {
        assert!(worker.contains(lane.name()), "the lane {} is not counted", lane.name());
    }
}

#[test]
fn every_variable_of_the_chart_is_one_that_the_programs_know() {
    let known: Vec<&str> = shared::limits::LIMITS
        .iter()
        .map(|limit| limit.env)
        .chain(shared::config::KNOBS.iter().map(|knob| knob.env))
        // Of `ripieno serve`.
        .chain(["RIPIENO_HOSTS"])
        .collect();
    let mut seen = 0;
    for path in files_under(&root().join("helm")) {
        let text = fs::read_to_string(&path).unwrap();
        for name in
            text.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|w| w.starts_with("RIPIENO_"))
        {
            assert!(known.contains(&name), "{}: {name}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 5, "{seen}");
}

/// What an image copies and builds is there.
#[test]
fn the_images_copy_and_build_what_is_there() {
    for (file, package, program) in
        [("api/Dockerfile", "api", "ripieno"), ("worker/Dockerfile", "worker", "ripieno-worker")]
    {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let build = format!("cargo build --locked --release -p {package} --bin {program}");
        assert!(text.contains(&build), "{file} does not {build}");
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{program}\"")), "{package} has no program {program}");
        assert!(text.contains(&format!("cp target/release/{program} /image/usr/local/bin/")), "{file}");
        assert!(text.contains(&format!("ENTRYPOINT [\"/usr/local/bin/{program}\"]")), "{file}");
        assert!(
            text.contains(&format!("CMD [\"/usr/local/bin/{program}\", \"live\"]")),
            "{file} has no health check"
        );
        assert!(text.lines().any(|line| line == "USER 10001"), "{file}: the chart says who runs it");
        for source in text.lines().filter_map(|line| line.strip_prefix("COPY ")) {
            let from = source.split_whitespace().find(|word| !word.starts_with("--")).unwrap();
            assert!(from.starts_with("/image") || root().join(from).exists(), "{file}: {from}");
        }
    }
    // What is left out of the build's context must not be needed.
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    for needed in ["Cargo.toml", "Cargo.lock", "shared", "worker", "api"] {
        assert!(!ignored.lines().any(|line| line.trim_matches('/') == needed), "{needed} is left out");
    }
}
